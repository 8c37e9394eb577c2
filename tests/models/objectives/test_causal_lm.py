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
    sizes = {"bidirectional": False} if backbone == "lstm" else {}
    model = build(PretrainingModel(make_backbone(config_of(backbone, **sizes)), ["causal_lm"]))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.4, size=one.shape) for one in model.weights])
    noise = NextTokenNoise(Vocabulary([*RESERVED, *(f"t{n}" for n in range(VOCAB_SIZE - 5))]))

    ids = rng.integers(5, VOCAB_SIZE, 12).astype("int32")
    # The text, and beside it one for each place, in which the token there is another.
    texts = np.stack([ids] * 12)
    places = np.arange(1, 12)
    texts[places, places] = 5 + (ids[places] - 4) % (VOCAB_SIZE - 5)
    batch = {
        "token_ids": texts,
        "segment_ids": np.zeros_like(texts),
        "padding_mask": np.ones(texts.shape, bool),
    }
    batch |= noise.arrays(batch, rng)
    losses = np.asarray(model(batch)["causal_lm"]["values"])
    for place in places:
        same = np.isclose(losses[place], losses[0], rtol=0, atol=1e-5)
        # The loss at place - 1 is that of the changed token; later ones are predicted from it.
        assert same[: place - 1].all() and not same[place - 1]
        assert place == 11 or not same[place:-1].all()
