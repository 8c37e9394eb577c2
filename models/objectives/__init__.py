"""Self-supervised objectives: each gives its terms of the loss."""
