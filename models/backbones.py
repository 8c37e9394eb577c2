"""The table of backbones. A new one is a file with a subclass of `Backbone`, and a line here."""

from models.backbone import Backbone
from models.config import BackboneConfig
from models.text_cnn import TextCNN
from models.transformer import TransformerEncoder

BACKBONES: dict[str, type[Backbone]] = {
    "text_cnn": TextCNN,
    "transformer": TransformerEncoder,
}


def make_backbone(config: BackboneConfig) -> Backbone:
    """The backbone that `config` describes, with weights that are yet to be built."""
    return BACKBONES[config.backbone](config)
