"""Making the backbone that a configuration describes."""

from models.backbone import Backbone
from models.config import BackboneConfig
from models.tables import BACKBONES

__all__ = ["BACKBONES", "make_backbone"]


def make_backbone(config: BackboneConfig) -> Backbone:
    """The backbone of `config`, with weights that are yet to be built."""
    return BACKBONES[config.backbone](config)
