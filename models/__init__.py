"""Backbones, pre-training objectives and classification in Keras 3, for any of its backends."""
