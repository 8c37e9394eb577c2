import pytest

from models.checkpoints.versions import upgraded
from models.config import BackboneConfig
from models.presets import backbone_config

OF_ALL = {"embedding_width", "embedding_projection", "position_offset"}


@pytest.mark.parametrize(
    ("backbone", "later"),
    [("text_cnn", OF_ALL), ("transformer", {*OF_ALL, "share_layers", "attention_window"})],
)
def test_sizes_that_were_added_later_take_their_defaults(backbone, later):
    config = backbone_config(backbone, "tiny", 40)
    stored = {name: value for name, value in config.to_dict().items() if name not in later}
    assert BackboneConfig.from_dict(upgraded({"backbone": stored})["backbone"]) == config
    other = {**config.to_dict(), "position_offset": 2}
    assert upgraded({"backbone": other})["backbone"]["position_offset"] == 2
