"""The small backbones and batches of the models' tests."""

from tests.models.conftest import batch_of, config_of, seeded

__all__ = ["batch_of", "config_of", "seeded"]
