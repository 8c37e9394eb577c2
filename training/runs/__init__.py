"""The output of a run: its folder, identity, lock and training curves."""
