"""Checkpoint folders: written, read, checked, taken over."""
