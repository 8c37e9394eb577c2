"""Families of released models, one file each: their configurations and their names of variables."""
