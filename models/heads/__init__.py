"""Heads that turn a backbone's outputs into the outputs of a task."""
