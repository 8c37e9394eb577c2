"""The corpus of labelled examples, and its batches."""
