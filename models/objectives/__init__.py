"""Pre-training objectives: what a backbone learns from free text."""
