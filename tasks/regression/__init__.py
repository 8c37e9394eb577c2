"""Regression: a value for a text, or for a pair of texts, such as how similar they are."""
