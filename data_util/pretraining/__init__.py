"""Free text to batches: rows (what a sequence is made of) x noise (what is hidden or changed)."""
