"""The devices of a run, and how batches and outputs get there and back."""
