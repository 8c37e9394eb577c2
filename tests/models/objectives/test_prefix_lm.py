import numpy as np
import pytest

from common.errors import ConfigError
from data_util.pretraining.noise.prefix import PrefixNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.layers.multi_head_attention import prefix_mask
from models.objectives.selection import check_visibilities
from models.pretraining_model import PretrainingModel
from tests.models.conftest import VOCAB_SIZE

SEGMENTS = np.array([[0, 0, 0, 1, 1, 1]])
# Of each position (row), which ones it sees: three of the prefix, two after it, and padding.
SEEN = np.array(
    [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 0],
    ]
)


@pytest.fixture(scope="module")
def model(config_of):
    made = build(PretrainingModel(make_backbone(config_of("transformer")), ["prefix_lm"]))
    rng = np.random.default_rng(0)
    made.set_weights([rng.normal(scale=0.4, size=one.shape) for one in made.weights])
    return made


def test_the_mask_by_hand():
    padding_mask = np.arange(6)[None] < 5
    np.testing.assert_array_equal(prefix_mask(padding_mask, SEGMENTS == 0)[0], SEEN)


def test_what_a_position_sees_in_the_backbone(model):
    """Another token at a place changes the output where it is seen, and nowhere else."""
    ids = np.array([[2, 11, 12, 13, 14, 0]], "int32")
    texts = np.concatenate([ids] * 6)
    texts[np.arange(1, 6), np.arange(5)] = 20
    batch = {
        "token_ids": texts,
        "segment_ids": np.repeat(SEGMENTS, 6, axis=0).astype("int32"),
        "padding_mask": np.tile(np.arange(6) < 5, (6, 1)),
    }
    for positions in (None, np.tile([4, 0, 3], (6, 1)).astype("int32")):
        found = model.backbone(batch, visibility="prefix", positions=positions)
        output = np.asarray(found["sequence_output"])
        at = range(6) if positions is None else positions[0]
        for place in range(5):
            moved = np.abs(output[place + 1] - output[0]).max(axis=-1) > 1e-5
            assert [bool(SEEN[one, place]) for one in at if one < 5] == moved[: len(at)][
                np.array(at) < 5
            ].tolist()


def test_no_token_sees_itself_or_what_follows(model):
    """With the batches of training: the target is a token of the text."""
    noise = PrefixNoise(Vocabulary([*RESERVED, *(f"t{n}" for n in range(VOCAB_SIZE - 5))]))
    rng = np.random.default_rng(1)
    ids = rng.integers(5, VOCAB_SIZE, 12).astype("int32")
    texts, places = np.stack([ids] * 12), np.arange(1, 12)
    texts[places, places] = 5 + (ids[places] - 4) % (VOCAB_SIZE - 5)
    batch = {"token_ids": texts, "padding_mask": np.ones(texts.shape, bool)}
    batch |= noise.arrays(batch, rng)
    batch["segment_ids"] = np.tile((np.arange(12) > 4).astype("int32"), (12, 1))
    batch["next_weights"] = np.tile((np.arange(12) >= 4).astype("float32"), (12, 1))
    batch["next_ids"] = np.roll(texts, -1, axis=1)
    losses = np.asarray(model(batch)["prefix_lm"]["values"])
    for place in places:
        same = np.isclose(losses[place], losses[0], rtol=0, atol=1e-5)
        # Of the targets, which begin at position 4.
        assert same[4 : max(4, place - 1)].all()
        assert not same[max(4, place - 1) : 11].any()


def test_who_can_see_so(config_of):
    for backbone in ("text_cnn", "lstm"):
        with pytest.raises(ConfigError, match=f"{backbone} supports .* not 'prefix'"):
            check_visibilities(["prefix_lm"], config_of(backbone))
    with pytest.raises(ConfigError, match="both, left, right, not 'prefix'"):
        check_visibilities(["prefix_lm"], config_of("transformer", attention_window=4))
