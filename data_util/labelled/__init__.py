"""Labelled examples: their corpus, and batches of them."""
