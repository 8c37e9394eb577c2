"""One vector per text, from a checkpoint of either stage."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.blocks import blocks
from data_util.inputs import Segments, rows_to_inputs
from data_util.reading.text_pairs import Text
from models.backbone_model import BackboneModel
from models.backbones.base import Backbone, make_backbone
from models.build import build
from models.checkpoints.folder import Checkpoint, read_checkpoint
from models.checkpoints.publication import read_published
from models.checkpoints.weights import load_weights
from models.text_vector_model import TextVectorModel
from models.tuning.stored import stored_tuning
from tasks.data import TextEncoder
from training.devices.forward import Forward
from training.preparation.tokenizer import stored_tokenizer


class TextVectors:
    """Computes vectors of texts, which are close to each other for similar texts.

    The vector of a text is pooled from the backbone's sequence output over the text's tokens: the
    mean after pre-training, which learns from every position; the largest value of each unit after
    fine-tuning, whose heads read the largest values. It is 0 for a text without tokens. A pair of
    texts has one vector, of both texts together.

        >>> vectors = TextVectors.load(Path("checkpoint_lm"))
        >>> vectors(["被告人盗窃手机一部。", "酒后殴打他人。"]).shape
        (2, 128)

    Args:
        backbone: a built backbone.
        text: turns text into its token ids; texts are truncated to its `sequence_length`.
        pooling: "mean" or "max", see `TextVectorModel`.

    Attributes:
        backbone, text: the arguments.
        width: the number of values in a vector, the backbone's d_model.
    """

    def __init__(self, backbone: Backbone, text: TextEncoder, pooling: str) -> None:
        self.backbone, self.text = backbone, text
        self.width = backbone.config.d_model
        special = (text.vocabulary.cls_id, text.vocabulary.sep_id)
        self._forward = Forward(build(TextVectorModel(backbone, pooling, special)))

    @classmethod
    def load(cls, folder: Path) -> "TextVectors":
        """Loads the backbone of a pre-trained or a fine-tuned checkpoint.

        Raises:
            CheckpointError: the folder is not a complete checkpoint.
        """
        return cls(*read_published(folder, lambda: _load(read_checkpoint(folder))))

    def __call__(self, texts: Sequence[Text], batch_size: int = 64) -> np.ndarray:
        """Computes the vector of each text.

        Args:
            texts: texts, or pairs of texts.
            batch_size: the number of texts in a batch.

        Returns:
            (texts, width) float32, in the order of the texts.
        """
        rows = self._rows(texts)
        vectors = np.zeros((len(rows), self.width), np.float32)
        # Texts of similar length share a batch, to minimize padding; texts and pairs never do.
        order = sorted(
            (index for index, row in enumerate(rows) if any(map(len, row))),
            key=lambda index: (len(rows[index]), sum(map(len, rows[index]))),
        )
        pairs = [index for index in order if len(rows[index]) > 1]
        for indices in (order[: len(order) - len(pairs)], pairs):
            for chosen in blocks(indices, batch_size):
                inputs = self._inputs([rows[index] for index in chosen])
                vectors[chosen] = self._forward.outputs(inputs)
        return vectors

    def inputs(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """The backbone's inputs for a batch of texts, or of pairs of texts.

        Args:
            texts: one or more, all of them texts or all of them pairs.

        Returns:
            See `data_util.inputs.rows_to_inputs`.
        """
        return self._inputs(self._rows(texts))

    def _rows(self, texts: Sequence[Text]) -> list[Segments]:
        parts = [(text,) if isinstance(text, str) else text for text in texts]
        ids = iter(self.text.encode([part for each in parts for part in each]))
        return [tuple(next(ids) for _ in each) for each in parts]

    def _inputs(self, rows: Sequence[Segments]) -> dict[str, np.ndarray]:
        return rows_to_inputs(rows, self.text.vocabulary, self.text.sequence_length)


def pooling_of(checkpoint: Checkpoint) -> str:
    """How the vectors of a checkpoint are pooled; see `TextVectors`."""
    return "max" if "task" in checkpoint.config else "mean"


def _load(checkpoint: Checkpoint) -> tuple[Backbone, TextEncoder, str]:
    return *load_backbone(checkpoint), pooling_of(checkpoint)


def load_backbone(checkpoint: Checkpoint) -> tuple[Backbone, TextEncoder]:
    """Builds the backbone of a checkpoint of either stage, with its weights, and its text encoder.

    Raises:
        CheckpointError: the weights do not belong to the model that `config.json` describes.
    """
    tuning = stored_tuning(checkpoint.config)
    model = tuning.build(BackboneModel(make_backbone(checkpoint.backbone)))
    load_weights(model, checkpoint)
    tuning.merge(model.backbone)
    length = min(checkpoint.setting("sequence_length", int), checkpoint.backbone.max_position)
    return model.backbone, TextEncoder(*stored_tokenizer(checkpoint), length)
