"""Against PyTorch: a BertModel of the library transformers with the same updates."""

import numpy as np

from models.tuning.lora import LoRA
from tests.bert_release import libraries
from tests.models.tuning.released import batch_of, outputs_of, set_randomly


def test_lora(bert):
    """The layer of Hu et al.: `W x + (alpha / r) B A x`, at the query and the value."""
    torch, _ = libraries()

    class WithUpdate(torch.nn.Module):
        def __init__(self, linear, a, b, scale):
            super().__init__()
            self.linear, self.scale = linear, scale
            self.a, self.b = torch.tensor(a.T), torch.tensor(b.T)

        def forward(self, x):
            return self.linear(x) + self.scale * (x @ self.a.T) @ self.b.T

    theirs, imported = bert
    tuning = LoRA(lora_rank=3, lora_alpha=12.0)
    backbone = imported(tuning)
    batch = batch_of(theirs.config)
    before = outputs_of(theirs, batch)
    np.testing.assert_allclose(
        np.asarray(backbone(batch)["sequence_output"])[batch["padding_mask"]],
        before[batch["padding_mask"]],
        atol=1e-5,
    )
    trained = sum(int(np.prod(weight.shape)) for weight in tuning.trained(backbone, 0))
    assert trained == 2 * 2 * 3 * (16 + 16)
    for number, layer in enumerate(backbone.encoder_layers):
        attention = theirs.encoder.layer[number].attention.self
        for name in ("query", "value"):
            ours = getattr(layer.attention.sublayer, name)
            a, b = (
                set_randomly(weight, number) for weight in (ours.lora_kernel_a, ours.lora_kernel_b)
            )
            setattr(attention, name, WithUpdate(getattr(attention, name), a, b, 12.0 / 3))
    expected = outputs_of(theirs, batch)[batch["padding_mask"]]
    assert np.abs(expected - before[batch["padding_mask"]]).max() > 0.1
    unmerged = np.asarray(backbone(batch)["sequence_output"])
    np.testing.assert_allclose(unmerged[batch["padding_mask"]], expected, atol=1e-5)
    tuning.merge(backbone)
    np.testing.assert_allclose(backbone(batch)["sequence_output"], unmerged, atol=1e-6)
