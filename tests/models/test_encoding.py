from types import SimpleNamespace

import numpy as np
import pytest

from models.backbones.base import make_backbone
from models.build import Array, build
from models.encoding import Encoding
from models.objectives.base import Objective, Term
from models.pretraining_model import PretrainingModel
from models.registry import OBJECTIVES

POSITIONS = Array(("batch", "slots"), "int32")


class Reader(Objective):
    """Does nothing but tell what it reads."""


def reader(name, **attributes):
    return type(name, (Reader,), attributes)


AT_A = {"arrays": {"a_positions": POSITIONS}, "positions": ("a_positions",)}
AT_B = {"arrays": {"b_positions": POSITIONS}, "positions": ("b_positions",)}


@pytest.fixture
def passes(config_of, batch_of):
    """A backbone that counts its passes, and a batch."""
    backbone = build(make_backbone(config_of("transformer")))
    calls = []

    def call(inputs, **options):
        calls.append(options)
        return backbone(inputs, **options)

    batch = batch_of([8, 6])
    batch["a_positions"] = np.array([[1, 2, 3], [0, 4, 5]], "int32")
    batch["b_positions"] = np.array([[7, 0], [2, 2]], "int32")

    def encoding_of(*classes):
        readers = [cls(backbone.config, name=cls.__name__) for cls in classes]
        return Encoding(call, readers, batch, training=False), readers

    return encoding_of, calls, batch, backbone


def at(sequence, positions):
    return np.take_along_axis(np.asarray(sequence), positions[:, :, None], axis=1)


def test_all_share_one_pass_at_the_positions_that_they_read(passes):
    encoding_of, calls, batch, backbone = passes
    pooled = reader("pooled", positions=())
    encoding, (a, b, c) = encoding_of(reader("a", **AT_A), reader("b", **AT_B), pooled)
    everywhere = backbone(batch)
    for objective, name in ((a, "a_positions"), (b, "b_positions")):
        found = encoding.of(objective)(positions=name)
        expected = at(everywhere["sequence_output"], batch[name])
        np.testing.assert_allclose(found["sequence_output"], expected, atol=1e-5)
    found = encoding.of(c)()
    np.testing.assert_allclose(found["pooled_output"], everywhere["pooled_output"], atol=1e-5)
    assert "sequence_output" not in found
    assert len(calls) == 1
    assert calls[0]["positions"].shape == (2, 5)


def test_one_that_reads_everywhere_has_all_computed(passes):
    encoding_of, calls, batch, backbone = passes
    encoding, (a, b) = encoding_of(reader("a", **AT_A), reader("everything"))
    expected = backbone(batch)["sequence_output"]
    np.testing.assert_array_equal(encoding.of(b)()["sequence_output"], expected)
    found = encoding.of(a)(positions="a_positions")["sequence_output"]
    np.testing.assert_array_equal(found, at(expected, batch["a_positions"]))
    assert len(calls) == 1
    assert calls[0]["positions"] is None


def test_layers_of_the_shared_pass(passes):
    encoding_of, calls, batch, _ = passes
    encoding, (a, b) = encoding_of(
        reader("a", **AT_A), reader("b", positions=(), reads_layers=True)
    )
    layers = encoding.of(b)(layers=True)["layer_outputs"]
    found = encoding.of(a)(positions="a_positions")["sequence_output"]
    np.testing.assert_array_equal(found, at(layers[-1], batch["a_positions"]))
    assert (len(layers), len(calls)) == (2, 1)


def test_another_visibility_or_other_tokens_are_passes_of_their_own(passes):
    encoding_of, calls, batch, backbone = passes
    encoding, (a, b) = encoding_of(reader("a", **AT_A), reader("b", visibility="left"))
    encode = encoding.of(a)
    encode(positions="a_positions")
    left = encoding.of(b)()["sequence_output"]
    expected = backbone(batch, visibility="left")["sequence_output"]
    np.testing.assert_array_equal(left, expected)
    other = np.full_like(batch["token_ids"], 9)
    found = encode(token_ids=other)["sequence_output"]
    expected = backbone({**batch, "token_ids": other})["sequence_output"]
    np.testing.assert_array_equal(found, expected)
    some = encode(token_ids=other, positions="a_positions")["sequence_output"]
    np.testing.assert_allclose(some, at(expected, batch["a_positions"]), atol=1e-5)
    encode(token_ids=other)
    assert len(calls) == 4


def test_embeddings_without_a_pass(passes):
    encoding_of, calls, batch, backbone = passes
    backbone_like = SimpleNamespace(embeddings=backbone.embeddings)
    encoding, (a,) = encoding_of(reader("a", **AT_A))
    encoding._backbone = backbone_like
    first, second = (encoding.of(a)(embeddings_only=True) for _ in range(2))
    assert not calls and first is second
    expected = backbone(batch)["embedding_output"]
    np.testing.assert_allclose(first["embedding_output"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("attributes", "asked", "message"),
    [
        (AT_A, {"positions": "b_positions"}, "reads b_positions: add it to `positions`"),
        ({"positions": ()}, {"layers": True}, "set `reads_layers = True`"),
    ],
)
def test_what_a_class_does_not_say_it_reads(passes, attributes, asked, message):
    encoding_of, *_ = passes
    encoding, (a,) = encoding_of(reader("a", **attributes))
    with pytest.raises(ValueError, match=message):
        encoding.of(a)(**asked)


def test_terms_with_a_factor_without_hits_and_with_companions(config_of, batch_of, monkeypatch):
    monkeypatch.setattr(OBJECTIVES, "_places", dict(OBJECTIVES._places))

    def terms(self, encode, batch, token_embedding, training):
        inner = self.networks["inner"](batch)["pooled_output"][:, 0]
        outer = encode()["pooled_output"][:, 0]
        ones = inner * 0 + 1
        return [Term("small", inner, ones, inner > 0), Term("large", outer, ones, factor=50.0)]

    def companions(self, config):
        return {"inner": make_backbone(config)}

    two = reader("two", positions=(), reads_pooled_output=True, terms=terms, companions=companions)
    OBJECTIVES.register("two", two)
    model = build(PretrainingModel(make_backbone(config_of("text_cnn")), ["masked_lm", "two"]))
    names = ("small_loss", "small_accuracy", "large_loss")
    assert model.metric_names == ("masked_lm_loss", "masked_lm_accuracy", *names)
    model.compile(optimizer="sgd", run_eagerly=True)
    batch = batch_of([8, 6])
    loss = float(model.compute_loss(batch, None, model(batch)))
    metrics = {name: float(value) for name, value in model.get_metrics_result().items()}
    assert metrics.keys() == {"loss", *model.metric_names}
    expected = metrics["masked_lm_loss"] + metrics["small_loss"] + 50 * metrics["large_loss"]
    assert loss == pytest.approx(expected, rel=1e-5)
    assert metrics["loss"] == pytest.approx(expected, rel=1e-5)
    inner = model.heads[1].networks["inner"]
    assert {id(one) for one in inner.weights} <= {id(one) for one in model.weights}
