"""Equality with PyTorch's LSTM on the same weights, and the choice of directions."""

import numpy as np
import pytest

from common.errors import ConfigError
from models.backbones.base import make_backbone
from models.backbones.lstm import LSTM, LSTMStack
from models.build import build

LENGTHS = [7, 4, 1]


def randomize(layer, scale=0.5):
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(scale=scale, size=weight.shape) for weight in layer.weights])


def copy_to_torch(torch, ours, theirs, suffix=""):
    """Keras' gates are input, forget, cell, output, as PyTorch's are; it has one bias, not two."""
    kernel, recurrent, bias = ours.get_weights()
    with torch.no_grad():
        for name, values in (
            ("weight_ih", kernel.T),
            ("weight_hh", recurrent.T),
            ("bias_ih", bias),
            ("bias_hh", np.zeros_like(bias)),
        ):
            getattr(theirs, f"{name}_l0{suffix}").copy_(torch.tensor(values))


def test_both_directions_equal_pytorch(config_of, batch_of):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    backbone = build(make_backbone(config_of("lstm", num_layers=1, num_units=6)))
    randomize(backbone)
    theirs = torch.nn.LSTM(16, 6, batch_first=True, bidirectional=True)
    copy_to_torch(torch, backbone.forward_stack.lstm_layers[0], theirs)
    copy_to_torch(torch, backbone.backward_stack.lstm_layers[0], theirs, "_reverse")
    batch = batch_of(LENGTHS, slots=1)
    found = backbone(batch, layers=True)
    embedded = torch.tensor(np.asarray(found["embedding_output"]))
    packed = torch.nn.utils.rnn.pack_padded_sequence(embedded, LENGTHS, batch_first=True)
    with torch.no_grad():
        expected, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    mask = batch["padding_mask"]
    layer = np.asarray(found["layer_outputs"][0])
    np.testing.assert_allclose(layer[mask], expected.numpy()[mask], atol=1e-5)
    # What is made of them: a dense layer, a residual connection and a normalization.
    kernel, bias = backbone.combination.get_weights()
    gamma, beta = backbone.final_norm.get_weights()
    x = embedded.numpy() + expected.numpy() @ kernel + bias
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    sequence = np.asarray(found["sequence_output"])
    np.testing.assert_allclose(sequence[mask], (x * gamma + beta)[mask], atol=1e-4)


def test_layers_equal_pytorch(config_of):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    stack = LSTMStack(config_of("lstm", num_layers=3, num_units=6))
    stack.build((None, None, 16))
    randomize(stack)
    x = np.random.default_rng(1).normal(size=(2, 5, 16)).astype("float32")
    expected = torch.tensor(x)
    for index, layer in enumerate(stack.lstm_layers):
        theirs = torch.nn.LSTM(expected.shape[-1], 6, batch_first=True)
        copy_to_torch(torch, layer, theirs)
        with torch.no_grad():
            output = theirs(expected)[0]
            expected = output if index == 0 else expected + output
        np.testing.assert_allclose(stack(x)[index], expected.numpy(), atol=1e-5)


def test_one_direction(config_of, batch_of):
    backbone = build(make_backbone(config_of("lstm", bidirectional=False)))
    assert backbone.visibilities_of(backbone.config) == ("both", "left")
    assert not any("backward" in variable.path for variable in backbone.weights)
    batch = batch_of([6, 8])
    outputs = [backbone(batch, visibility=view)["sequence_output"] for view in ("both", "left")]
    np.testing.assert_array_equal(*outputs)
    with pytest.raises(ConfigError, match="supports the visibilities both, left, not 'right'"):
        backbone(batch, visibility="right")


def test_a_pooled_position_that_sees_nothing_is_refused(config_of):
    assert config_of("lstm", pooling="cls").pooling == "cls"
    with pytest.raises(ConfigError, match="pooling cls reads the first position"):
        config_of("lstm", pooling="cls", bidirectional=False)


def test_a_direction_that_would_learn_nothing(config_of):
    two, one = (config_of("lstm", bidirectional=each) for each in (True, False))
    for needed in ({"both"}, {"left", "right"}, {"both", "left"}):
        LSTM.check_visibilities(two, needed)
    LSTM.check_visibilities(one, {"left"})
    with pytest.raises(ConfigError, match=r"from the left alone.* --bidirectional=false"):
        LSTM.check_visibilities(two, {"left"})
    with pytest.raises(ConfigError, match="from the left alone with --bidirectional=false"):
        LSTM.check_visibilities(one, {"left", "right"})
