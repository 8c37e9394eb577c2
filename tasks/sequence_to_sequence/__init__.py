"""Writes a text from a text: a translation, a summary, a title."""
