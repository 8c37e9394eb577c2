"""Backbones: from token ids to one vector per position."""
