"""Self-supervised objectives: each computes its terms of the loss."""
