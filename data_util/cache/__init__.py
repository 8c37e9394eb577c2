"""Tokenized text kept on disk: ragged HDF5, written whole, keyed by a fingerprint."""
