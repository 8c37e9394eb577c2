"""Backbones, pre-training objectives and task heads in Keras 3, for any of its backends."""
