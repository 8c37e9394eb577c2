"""The corpus of free text; rows and noise make its batches."""
