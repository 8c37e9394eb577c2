"""Writes sequences token by token: greedily, by beam search, or by sampling."""
