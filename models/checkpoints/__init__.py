"""Checkpoint folders: written atomically, verified when read, used by the next stage."""
