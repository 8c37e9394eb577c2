"""The blocks that backbones, heads and losses are made of."""
