"""Helpers of the commands in `benchmarks`."""
