"""Against PyTorch: a BertModel of the library transformers with the same adapters."""

import numpy as np
import pytest

from models.tuning.adapter import AdapterTuning
from tests.bert_release import libraries
from tests.models.tuning.released import batch_of, outputs_of, set_randomly


@pytest.mark.parametrize("place", ["houlsby", "pfeiffer"])
def test_adapters(bert, place):
    """The layer of Houlsby et al., between the projection of a sub-layer and the residual sum."""
    torch, _ = libraries()

    class WithAdapter(torch.nn.Module):
        def __init__(self, dense, weights):
            super().__init__()
            self.dense = dense
            self.down, self.b1, self.up, self.b2 = map(torch.tensor, weights)

        def forward(self, x):
            x = self.dense(x)
            hidden = torch.nn.functional.gelu(x @ self.down + self.b1)
            return x + hidden @ self.up + self.b2

    theirs, imported = bert
    tuning = AdapterTuning(adapter_size=5, adapter_place=place)
    backbone = imported(tuning)
    batch = batch_of(theirs.config)
    before = outputs_of(theirs, batch)
    for number, layer in enumerate(backbone.encoder_layers):
        their_layer = theirs.encoder.layer[number]
        places = {"attention": their_layer.attention.output, "feed_forward": their_layer.output}
        for name, output in places.items():
            adapter = getattr(layer, name).adapter
            assert (adapter is None) == (place == "pfeiffer" and name == "attention")
            if adapter is not None:
                drawn = [set_randomly(weight, number) for weight in adapter.weights]
                output.dense = WithAdapter(output.dense, drawn)
    expected = outputs_of(theirs, batch)[batch["padding_mask"]]
    assert np.abs(expected - before[batch["padding_mask"]]).max() > 0.1
    found = np.asarray(backbone(batch)["sequence_output"])[batch["padding_mask"]]
    np.testing.assert_allclose(found, expected, atol=1e-5)
