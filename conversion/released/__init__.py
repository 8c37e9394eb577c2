"""Released BERTs: their configuration, names, formats, weights and vocabulary."""
