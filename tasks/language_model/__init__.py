"""Filling in [MASK] and continuing texts, with a checkpoint as pre-training wrote it."""
