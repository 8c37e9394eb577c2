"""The checkpoint folder: written whole, checked when read, taken over by the next stage."""
