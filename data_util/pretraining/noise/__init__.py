"""Noises: what is hidden or changed in a batch (see `data_util.registry.NOISES`)."""
