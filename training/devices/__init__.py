"""What a run computes on: devices, processes and the batches that they are fed."""
