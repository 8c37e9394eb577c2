"""Labels for a text, or for a pair of texts."""
