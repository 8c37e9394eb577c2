"""Copies a released BERT's tensors into our model, and our model's weights into BERT's tensors."""

import re
from dataclasses import dataclass

import keras
import numpy as np

from common.errors import CheckpointError
from conversion.released.formats import ReleasedBert
from conversion.released.names import GOOGLE, HUGGING_FACE, BertVariable, bert_variables

_EMBEDDING = "bert.embeddings.word_embeddings.weight"
_DECODER = "cls.predictions.decoder.weight"
_OPTIMIZER = re.compile(r"(/adam_[mv]|/(Adam|LAMB)\w*)$|^global_step$")
_LAYER = re.compile(r"encoder[./]layer[._](\d+)[./]")
_SHOWN = 5


@dataclass(frozen=True)
class ImportReport:
    """Which weights of a model came from a release.

    Attributes:
        variables: number of imported variables.
        parameters: number of their elements.
        fresh: our names of the variables that the release lacks; they keep their initial values.
        unused: the release's names of the tensors that our model does not have, other than those
            of an optimizer.
        optimizer: number of tensors of an optimizer.
    """

    variables: int
    parameters: int
    fresh: tuple[str, ...]
    unused: tuple[str, ...]
    optimizer: int


def fill_model(
    model: keras.Model, released: ReleasedBert, *, encoder_only: bool = False
) -> ImportReport:
    """Loads the weights of a release into a built `PretrainingModel`.

    Args:
        model: of the architecture that the release's configuration describes.
        released: the tensors.
        encoder_only: whether the heads of pre-training keep their initial values.

    Raises:
        CheckpointError: a tensor of the encoder is missing, a tensor's shape contradicts the
            configuration, or the masked-LM head does not share the token embedding.
    """
    names = _standard_names(released)
    table = bert_variables(model.backbone.config.num_layers)
    if encoder_only:
        table = [entry for entry in table if entry.part in ("encoder", "pooler")]
    elif released.style == HUGGING_FACE:
        _check_decoder(released, names)
    ours = model_variables(model)
    missing = [
        entry.name(released.style)
        for entry in table
        if entry.part == "encoder" and entry.name(released.style) not in names
    ]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise CheckpointError(
            f"{released.weights}: this is not the BERT that {released.config_file.name} describes: "
            f"it lacks {', '.join(missing[:_SHOWN])}{more}. It holds "
            f"{', '.join(sorted(released.shapes)[:_SHOWN])}, ..."
        )
    used, filled, parameters = set(), set(), 0
    for entry in table:
        name = entry.name(released.style)
        if name not in names or entry.ours not in ours:
            continue
        variable = ours[entry.ours]
        _check_shape(released, names[name], entry, tuple(variable.shape))
        variable.assign(entry.to_ours(released.read(names[name]), released.style))
        used.add(name)
        filled.add(entry.ours)
        parameters += int(np.prod(variable.shape))
    used |= _aliases(names) if not encoder_only else set()
    left = [name for name in names if name not in used]
    _check_layers(released, left, model.backbone.config.num_layers)
    optimizer = [name for name in left if _OPTIMIZER.search(name)]
    return ImportReport(
        variables=len(filled),
        parameters=parameters,
        fresh=tuple(name for name in ours if name not in filled),
        unused=tuple(sorted(names[name] for name in left if name not in optimizer)),
        optimizer=len(optimizer),
    )


def bert_tensors(model: keras.Model) -> dict[str, np.ndarray]:
    """The model's weights by their names in transformers, float32.

    Heads that BERT does not have are left out. Without any of BERT's heads the names are those of
    `BertModel`, which lack the prefix "bert.".
    """
    ours = model_variables(model)
    table = [
        entry for entry in bert_variables(model.backbone.config.num_layers) if entry.ours in ours
    ]
    heads = any(entry.part not in ("encoder", "pooler") for entry in table)
    tensors = {}
    for entry in table:
        name = entry.hugging_face if heads else entry.hugging_face.removeprefix("bert.")
        values = np.asarray(keras.ops.convert_to_numpy(ours[entry.ours]), np.float32)
        tensors[name] = entry.from_ours(values, HUGGING_FACE)
    return tensors


def model_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """The model's trained variables by their path below the model."""
    return {variable.path.partition("/")[2]: variable for variable in model.weights}


def _standard_names(released: ReleasedBert) -> dict[str, str]:
    """The release's names by those of `BertVariable`."""
    if released.style == GOOGLE:
        return {name: name for name in released.shapes}
    bare = not any(name.startswith("bert.") for name in released.shapes)
    names = {}
    for name in released.shapes:
        if name.endswith(".position_ids"):
            continue  # The constants 0, 1, 2, ..., not a weight.
        standard = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
        standard = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", standard)
        if bare and standard.startswith(("embeddings.", "encoder.", "pooler.")):
            standard = f"bert.{standard}"
        names[standard] = name
    # This tensor has two names, and releases differ in which of them they use.
    if "cls.predictions.decoder.bias" in names:
        names.setdefault("cls.predictions.bias", names["cls.predictions.decoder.bias"])
    return names


def _aliases(names: dict[str, str]) -> set[str]:
    return {name for name in ("cls.predictions.decoder.bias", _DECODER) if name in names}


def _check_decoder(released: ReleasedBert, names: dict[str, str]) -> None:
    if _DECODER not in names or _EMBEDDING not in names:
        return
    decoder, embedding = released.read(names[_DECODER]), released.read(names[_EMBEDDING])
    if not np.array_equal(decoder, embedding):
        raise CheckpointError(
            f"{released.weights}: the masked-LM head has an output matrix of its own "
            f"({names[_DECODER]}), and ours shares the token embedding. --encoder_only imports the "
            "encoder and starts the heads of pre-training from random weights."
        )


def _check_shape(
    released: ReleasedBert, name: str, entry: BertVariable, ours: tuple[int, ...]
) -> None:
    found, expected = tuple(released.shapes[name]), entry.shape(ours, released.style)
    if found != expected:
        sizes = ", ".join(
            f"{key} {released.config[key]}"
            for key in (
                "vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings",
                "type_vocab_size",
            )
            if key in released.config
        )  # fmt: skip
        raise CheckpointError(
            f"{released.weights}: {name} is of shape {found}, but {released.config_file.name} "
            f"({sizes}) requires {expected}."
        )


def _check_layers(released: ReleasedBert, left: list[str], num_layers: int) -> None:
    beyond = {
        int(match[1])
        for name in left
        if not _OPTIMIZER.search(name) and (match := _LAYER.search(name))
    }
    if beyond and max(beyond) >= num_layers:
        raise CheckpointError(
            f"{released.weights}: it has {max(beyond) + 1} layers, but "
            f"{released.config_file.name} says num_hidden_layers {num_layers}."
        )
