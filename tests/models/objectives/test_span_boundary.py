import keras
import numpy as np
import torch

from data_util.pretraining.noise import span
from models.backbones.base import make_backbone
from models.build import build
from models.objectives import span_boundary
from models.pretraining_model import PretrainingModel


def test_the_table_has_a_row_for_each_offset():
    assert span_boundary.MAX_OFFSETS == span.MAX_OFFSETS


def test_equal_to_the_formula_of_the_paper_in_pytorch(config_of, batch_of):
    model = build(PretrainingModel(make_backbone(config_of("transformer")), ["span_boundary"]))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.3, size=one.shape) for one in model.weights])
    batch = batch_of([10, 9])
    slots = batch["masked_ids"].shape
    batch |= {
        "span_left_positions": np.array([[0, 0, 5], [2, 2, 4]], "int32"),
        "span_right_positions": np.array([[3, 3, 7], [5, 5, 6]], "int32"),
        "span_offsets": np.array([[0, 1, 0], [0, 1, 0]], "int32"),
        "span_weights": np.ones(slots, "float32"),
    }
    values = np.asarray(model(batch)["span_boundary"]["values"])

    (head,) = model.heads
    x = torch.tensor(np.asarray(model.backbone(batch)["sequence_output"]))
    table = torch.tensor(np.asarray(model.backbone.token_embedding.embeddings))

    def tensor(weight):
        return torch.tensor(np.asarray(weight))

    def layer(dense, norm, inputs):
        h = torch.nn.functional.linear(inputs, tensor(dense.kernel).T, tensor(dense.bias))
        h = torch.nn.functional.gelu(h)
        scale, shift = (tensor(one) for one in norm.weights)
        return torch.nn.functional.layer_norm(h, h.shape[-1:], scale, shift, norm.epsilon)

    for row in range(2):
        for slot in range(3):
            left, right, offset = (
                batch[name][row, slot]
                for name in ("span_left_positions", "span_right_positions", "span_offsets")
            )
            place = tensor(head.offsets.embeddings)[offset]
            h = layer(
                head.boundary, head.boundary_norm, torch.cat([x[row, left], x[row, right], place])
            )
            h = layer(head.transform, head.layer_norm, h)
            logits = table @ h + tensor(head.bias)
            target = torch.tensor(int(batch["masked_ids"][row, slot]))
            loss = torch.nn.functional.cross_entropy(logits, target)
            np.testing.assert_allclose(values[row, slot], loss.item(), rtol=1e-4, atol=1e-4)


def test_tokens_inside_a_span_are_not_read_by_the_head(config_of):
    config = config_of("transformer")
    head = span_boundary.SpanBoundaryHead(config, name="span_boundary")
    head.build()
    left, right = keras.random.normal((2, 1, 1, config.d_model))
    vectors = [
        np.asarray(head.boundary_vectors(left, right, np.array([[place]]))) for place in (0, 1)
    ]
    assert abs(vectors[0] - vectors[1]).max() > 0
