"""Row plans: which slices of a corpus make a sequence (see `data_util.registry.ROWS`)."""
