"""Textbook blocks that backbones and heads are made of."""
