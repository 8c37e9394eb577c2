"""Released models: their configuration, names, formats, weights and vocabulary."""
