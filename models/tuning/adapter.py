"""Small networks between the layers of a frozen backbone."""

from typing import Any, ClassVar

import keras

from models.backbones.base import Backbone
from models.kernels.layer_norm import LayerNormalization
from models.layers.adapter import Adapter
from models.tuning.base import Tuning


class AdapterTuning(Tuning):
    """Adds adapters to the backbone, and trains them and the layer normalizations.

    Args:
        adapter_size: the width of an adapter's bottleneck.
        adapter_place: "houlsby": after each sub-layer; "pfeiffer": after the last one of each
            layer. Which these are is the backbone's to say, see `Backbone.add_adapters`.

    References:
        Houlsby et al. 2019, section 2.1 (https://arxiv.org/abs/1902.00751);
        Pfeiffer et al. 2020, "MAD-X", section 3.2.1, where they are after the feed-forward network
        alone (https://arxiv.org/abs/2005.00052).
    """

    name: ClassVar[str] = "adapter"
    holds_part: ClassVar[bool] = True
    is_mergeable: ClassVar[bool] = False

    def __init__(self, adapter_size: int = 16, adapter_place: str = "houlsby") -> None:
        self.adapter_size = adapter_size
        self.adapter_place = adapter_place

    def settings(self) -> dict[str, Any]:
        """See `Tuning.settings`."""
        return {"adapter_size": self.adapter_size, "adapter_place": self.adapter_place}

    def extend(self, backbone: Backbone) -> None:
        """Adds the adapters."""

        def make(width: int, name: str) -> Adapter:
            return Adapter(width, self.adapter_size, dtype=backbone.dtype_policy, name=name)

        backbone.add_adapters(make, everywhere=self.adapter_place == "houlsby")

    def added(self, backbone: Backbone) -> list[keras.Variable]:
        """Those of the adapters."""
        return _weights(backbone, Adapter)

    def trained(self, backbone: Backbone, epoch: int) -> list[keras.Variable]:
        """Those of the adapters and of the layer normalizations."""
        return [*_weights(backbone, Adapter), *_weights(backbone, LayerNormalization)]


def _weights(backbone: Backbone, kind: type) -> list[keras.Variable]:
    """The weights of all layers of a kind; a layer may be in several places."""
    layers: dict[int, Any] = {
        id(each): each for each in backbone._flatten_layers() if isinstance(each, kind)
    }
    return [weight for layer in layers.values() for weight in layer.weights]
