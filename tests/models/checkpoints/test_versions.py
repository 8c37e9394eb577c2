from models.checkpoints.versions import upgraded
from models.config import BackboneConfig
from models.presets import backbone_config


def test_sizes_that_were_added_later_take_their_defaults():
    config = backbone_config("text_cnn", "tiny", 40)
    stored = config.to_dict()
    for name in ("embedding_width", "embedding_projection", "position_offset"):
        del stored[name]
    assert BackboneConfig.from_dict(upgraded({"backbone": stored})["backbone"]) == config
    other = {**config.to_dict(), "position_offset": 2}
    assert upgraded({"backbone": other})["backbone"]["position_offset"] == 2
