"""How much of a backbone moves in fine-tuning, and what is added to it."""
