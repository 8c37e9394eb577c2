"""What a run writes: its folder, identity, lock and curves."""
