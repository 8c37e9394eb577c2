"""Copies a release's tensors into our model, and our model's weights into tensors of a release."""

import re
from dataclasses import dataclass

import keras
import numpy as np

from common.errors import CheckpointError
from conversion.released.families.base import Family
from conversion.released.formats import Release
from conversion.released.names import GOOGLE, HUGGING_FACE, ReleasedVariable, part_of

_EMBEDDING = "embeddings.word_embeddings.weight"
_OPTIMIZER = re.compile(r"(/adam_[mv]|/(Adam|LAMB)\w*)$|^global_step$")
_LAYER = re.compile(r"(?:encoder|transformer)[./]layer[._](\d+)[./]")
_SHOWN = 5
# Those on which the shapes of tensors depend.
_SIZES = ("vocab_size", "d_model", "d_ff", "max_position", "num_segments")


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
    model: keras.Model, released: Release, *, encoder_only: bool = False
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
    table = released.family.variables(model.backbone.config)
    names = _standard_names(released, table)
    if encoder_only:
        table = [entry for entry in table if entry.part in ("encoder", "pooler")]
    elif released.style == HUGGING_FACE:
        _check_tied(released, names)
    ours = model_variables(model)
    missing = [
        entry.name(released.style)
        for entry in table
        if entry.part == "encoder" and entry.name(released.style) not in names
    ]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise CheckpointError(
            f"{released.weights}: this is not the {released.family.title} that "
            f"{released.config_file.name} describes: it lacks {', '.join(missing[:_SHOWN])}{more}. "
            f"It holds {', '.join(sorted(released.shapes)[:_SHOWN])}, ..."
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
    if not encoder_only:
        used |= names.keys() & {released.family.tied, *released.family.renamed}
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


@dataclass(frozen=True)
class ReleasedTensors:
    """A model's weights as a release has them.

    Attributes:
        tensors: by their names in transformers, float32.
        architecture: what transformers calls a model with these heads.
        left_out: the parts of the model that the family does not have, such as "pooler".
    """

    tensors: dict[str, np.ndarray]
    architecture: str
    left_out: tuple[str, ...]


def released_tensors(model: keras.Model, family: Family) -> ReleasedTensors:
    """The model's weights by their names in transformers.

    Heads that the family does not have are left out. Without any of its heads the names are those
    of an encoder alone, which lack the family's prefix.
    """
    ours = model_variables(model)
    table = [entry for entry in family.variables(model.backbone.config) if entry.ours in ours]
    heads = tuple(sorted({entry.part for entry in table} - {"encoder", "pooler"}))
    tensors = {}
    for entry in table:
        name = entry.hugging_face if heads else entry.hugging_face.removeprefix(f"{family.prefix}.")
        values = np.asarray(keras.ops.convert_to_numpy(ours[entry.ours]), np.float32)
        tensors[name] = entry.from_ours(values, HUGGING_FACE)
    placed, parts = {entry.ours for entry in table}, {entry.part for entry in table}
    left = dict.fromkeys(part_of(name) for name in ours if name not in placed)
    left_out = tuple(f"a part of {part}" if part in parts else part for part in left)
    architecture = family.architectures.get(heads, family.architectures[()])
    return ReleasedTensors(tensors, architecture, left_out)


def model_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """The model's trained variables by their path below the model."""
    return {variable.path.partition("/")[2]: variable for variable in model.weights}


def _standard_names(released: Release, table: list[ReleasedVariable]) -> dict[str, str]:
    """The release's names by those of the family's table."""
    if released.style == GOOGLE:
        return {name: name for name in released.shapes}
    family, prefix = released.family, f"{released.family.prefix}."
    bare = not any(name.startswith(prefix) for name in released.shapes)
    inner = {
        name.removeprefix(prefix).partition(".")[0]
        for name in (entry.hugging_face for entry in table)
        if name.startswith(prefix)
    }
    names = {}
    for name in released.shapes:
        if name.endswith(".position_ids"):
            continue  # The constants 0, 1, 2, ..., not a weight.
        standard = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
        standard = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", standard)
        if bare and standard.partition(".")[0] in inner:
            standard = prefix + standard
        names[standard] = name
    # These tensors have two names, and releases differ in which of them they use.
    for other, standard in family.renamed.items():
        if other in names:
            names.setdefault(standard, names[other])
    return names


def _check_tied(released: Release, names: dict[str, str]) -> None:
    tied, embedding = released.family.tied, f"{released.family.prefix}.{_EMBEDDING}"
    if tied not in names or embedding not in names:
        return
    if not np.array_equal(released.read(names[tied]), released.read(names[embedding])):
        raise CheckpointError(
            f"{released.weights}: the masked-LM head has an output matrix of its own "
            f"({names[tied]}), and ours shares the token embedding. --encoder_only imports the "
            "encoder and starts the heads of pre-training from random weights."
        )


def _check_shape(
    released: Release, name: str, entry: ReleasedVariable, ours: tuple[int, ...]
) -> None:
    found, expected = tuple(released.shapes[name]), entry.shape(ours, released.style)
    if found != expected:
        theirs = {ours: key for ours, key, _ in released.family.sizes}
        keys = [theirs[name] for name in _SIZES if name in theirs] + ["embedding_size"]
        sizes = ", ".join(f"{key} {released.config[key]}" for key in keys if key in released.config)
        raise CheckpointError(
            f"{released.weights}: {name} is of shape {found}, but {released.config_file.name} "
            f"({sizes}) requires {expected}."
        )


def _check_layers(released: Release, left: list[str], num_layers: int) -> None:
    beyond = {
        int(match[1])
        for name in left
        if not _OPTIMIZER.search(name) and (match := _LAYER.search(name))
    }
    if beyond and max(beyond) >= num_layers:
        key = next(theirs for ours, theirs, _ in released.family.sizes if ours == "num_layers")
        raise CheckpointError(
            f"{released.weights}: it has {max(beyond) + 1} layers, but "
            f"{released.config_file.name} says {key} {num_layers}."
        )
