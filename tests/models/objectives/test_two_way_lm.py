import numpy as np
import pytest

from common.errors import ConfigError
from data_util.pretraining.noise.neighbour_tokens import NeighbourTokensNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.objectives.selection import check_visibilities, noise_of
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES
from tests.models.conftest import VOCAB_SIZE

LENGTH = 10


@pytest.fixture
def model_of(config_of):
    def make(backbone, **sizes):
        model = build(PretrainingModel(make_backbone(config_of(backbone, **sizes)), ["two_way_lm"]))
        rng = np.random.default_rng(0)
        model.set_weights([rng.normal(scale=0.4, size=one.shape) for one in model.weights])
        return model

    return make


def batch_of_text(ids):
    """With the targets of training, which are tokens of the text."""
    noise = NeighbourTokensNoise(Vocabulary([*RESERVED, *(f"t{n}" for n in range(VOCAB_SIZE - 5))]))
    batch = {
        "token_ids": ids,
        "segment_ids": np.zeros_like(ids),
        "padding_mask": np.ones(ids.shape, bool),
    }
    return batch | noise.arrays(batch, np.random.default_rng(0))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_direction_sees_what_it_predicts(model_of, backbone):
    model = model_of(backbone)
    text = np.random.default_rng(1).integers(5, VOCAB_SIZE, LENGTH).astype("int32")
    # The text, and below it once for each place with another token there.
    rows = np.stack([text] * (LENGTH + 1))
    for place in range(LENGTH):
        rows[place + 1, place] = 5 + (text[place] - 4) % (VOCAB_SIZE - 5)
    terms = model(batch_of_text(rows))
    following, previous = (
        np.asarray(terms[f"two_way_lm_{name}"]["values"]) for name in ("next", "previous")
    )
    for place in range(1, LENGTH - 1):
        # At place - 1 the changed token is the target; before it nothing has changed.
        same = np.isclose(following[place + 1], following[0], rtol=0, atol=1e-5)
        assert same[: place - 1].all() and not same[place - 1 : place + 1].any()
        same = np.isclose(previous[place + 1], previous[0], rtol=0, atol=1e-5)
        assert same[place + 2 :].all() and not same[place : place + 2].any()


def test_losses_by_hand(model_of):
    model = model_of("lstm", num_layers=1)
    batch = batch_of_text(np.array([[6, 7, 8, 9], [9, 9, 5, 3]], "int32"))
    table = model.backbone.token_embedding
    for name, side, shift in (("next", "left", 1), ("previous", "right", -1)):
        sequence = model.backbone(batch, visibility=side)["sequence_output"]
        logits = np.asarray(model.heads[0](sequence, token_embedding=table), "float64")
        chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        expected = [
            (row, at, -np.log(chances[row, at, token]))
            for row in range(2)
            for at in range(4)
            if 0 <= at + shift < 4 and (token := batch["token_ids"][row, at + shift]) >= 5
        ]
        term = model(batch)[f"two_way_lm_{name}"]
        weights, values = np.asarray(term["weights"]), np.asarray(term["values"])
        # Id 3 is reserved, so it is no target: two rows of three neighbours, but for one.
        assert weights.sum() == len(expected) == (5 if name == "next" else 6)
        for row, at, value in expected:
            assert weights[row, at] == 1
            assert values[row, at] == pytest.approx(value, rel=1e-4)


def test_what_cannot_look_to_both_sides_is_refused(config_of):
    with pytest.raises(ConfigError, match="reads from the left alone"):
        check_visibilities(["two_way_lm"], config_of("lstm", bidirectional=False))


def test_beside_a_causal_language_model(config_of):
    assert noise_of(["causal_lm", "two_way_lm"]) == "neighbour_tokens"
    check_visibilities(["causal_lm", "two_way_lm"], config_of("lstm"))
