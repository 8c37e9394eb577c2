import numpy as np
import pytest

from data_util.pretraining.noise.next_token import NextTokenNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES
from tests.models.conftest import VOCAB_SIZE

LEFT = [name for name in BACKBONES if "left" in BACKBONES[name].visibilities]


@pytest.mark.parametrize("backbone", LEFT)
def test_no_token_sees_itself_or_what_follows(config_of, backbone):
    """With the batches of training: the target is a token of the text."""
    model = build(PretrainingModel(make_backbone(config_of(backbone)), ["causal_lm"]))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.4, size=one.shape) for one in model.weights])
    noise = NextTokenNoise(Vocabulary([*RESERVED, *(f"t{n}" for n in range(VOCAB_SIZE - 5))]))

    def losses(ids):
        batch = {
            "token_ids": ids,
            "segment_ids": np.zeros_like(ids),
            "padding_mask": np.ones(ids.shape, bool),
        }
        batch |= noise.arrays(batch, rng)
        return np.asarray(model(batch)["causal_lm"]["values"])[0]

    ids = rng.integers(5, VOCAB_SIZE, (1, 12)).astype("int32")
    before = losses(ids)
    for place in range(1, 12):
        changed = ids.copy()
        changed[0, place] = 5 + (changed[0, place] - 4) % (VOCAB_SIZE - 5)
        same = np.isclose(losses(changed), before, rtol=0, atol=1e-5)
        # The loss at place - 1 is that of the changed token; later ones are predicted from it.
        assert same[: place - 1].all() and not same[place - 1]
        assert place == 11 or not same[place:-1].all()
