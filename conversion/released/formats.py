"""Reads the files of a released model: tensors by name, one at a time.

No code from a file is run: safetensors and TensorFlow's checkpoints hold only numbers, and from a
pickle PyTorch reads only tensors (`weights_only=True`).
"""

import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import CheckpointError, ConfigError
from common.files import is_plain_name, read_json
from conversion.registry import DEFAULT_FAMILY
from conversion.released.config import family_of_release
from conversion.released.families.base import Family
from conversion.released.names import GOOGLE, HUGGING_FACE

CONFIG_FILES = ("config.json", "bert_config.json")


@dataclass(frozen=True)
class Release:
    """The tensors and the configuration in a folder.

    Attributes:
        folder: the folder.
        style: `HUGGING_FACE` or `GOOGLE`: how the tensors are named.
        weights: the file that holds the tensors, or the index of such files.
        config_file: the file that `config` was read from.
        config: its content.
        family: the family that the configuration names.
        shapes: the shapes of the tensors by name.
        read: reads a tensor by name.
    """

    folder: Path
    style: str
    weights: Path
    config_file: Path
    config: Mapping[str, Any]
    family: Family
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]


def open_release(folder: Path) -> Release:
    """Opens whatever a folder holds; safetensors are preferred to a pickle.

    Raises:
        CheckpointError, ConfigError: the folder holds no release that can be read.
    """
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no such folder.")
    there = [folder / name for name in CONFIG_FILES if (folder / name).is_file()]
    config_file = there[0] if there else folder / CONFIG_FILES[0]
    for name, reader in _READERS:
        path = folder / name
        if path.is_file():
            return _opened(folder, HUGGING_FACE, path, config_file, reader)
    prefix = _tensorflow_prefix(folder)
    if prefix is not None:
        google = folder / "bert_config.json"
        return _opened(
            folder, GOOGLE, prefix, google if google.is_file() else config_file, _tensorflow
        )
    raise CheckpointError(
        f"{folder}: there is no released model here: one of "
        f"{', '.join(name for name, _ in _READERS)} or bert_model.ckpt.index (with its .data file) "
        "is needed."
    )


_Tensors = tuple[dict[str, tuple[int, ...]], Callable[[str], np.ndarray]]


def _opened(
    folder: Path, style: str, path: Path, config_file: Path, reader: Callable[[Path], _Tensors]
) -> Release:
    config = read_json(config_file, "the configuration of a model", CheckpointError)
    shapes, read = reader(path)
    try:
        family = family_of_release(config, shapes)
    except ConfigError as error:
        raise ConfigError(f"{config_file}: {error}") from error
    if style == GOOGLE and family.model_type != DEFAULT_FAMILY:
        raise CheckpointError(
            f"{path}: of TensorFlow's files only those of a BERT are read, and {config_file.name} "
            f"says model_type {family.model_type!r}. Use the files of transformers."
        )

    def read_float32(name: str) -> np.ndarray:
        values = np.asarray(read(name), np.float32)
        if not np.isfinite(values).all():
            raise CheckpointError(f"{path}: {name} holds values that are not finite numbers.")
        return values

    return Release(folder, style, path, config_file, config, family, shapes, read_float32)


def _safetensors(path: Path) -> _Tensors:
    from safetensors import SafetensorError, safe_open

    try:
        file = safe_open(str(path), framework="numpy")
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file ({error}).") from error

    def read(name: str) -> np.ndarray:
        try:
            return file.get_tensor(name)
        except (SafetensorError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{path}: {name} cannot be read ({error}); save the model in float32."
            ) from error

    return shapes, read


def _pickle(path: Path) -> _Tensors:
    try:
        import torch
    except ImportError as error:
        raise CheckpointError(
            f"{path}: only PyTorch can read this file, and it is not installed. Install it (pip "
            "install torch), or use a model.safetensors."
        ) from error
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{path}: not a whole file of tensors ({reason}). Anything else in it is not read, "
            "because that could run code."
        ) from error
    if not isinstance(tensors, dict):
        raise CheckpointError(f"{path}: it holds no tensors by name.")
    tensors = {name: value for name, value in tensors.items() if isinstance(value, torch.Tensor)}
    return (
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        lambda name: tensors[name].detach().to(torch.float32).numpy(),
    )


def _shards(path: Path, reader: Callable[[Path], _Tensors]) -> _Tensors:
    files = read_json(path, "an index of weights", CheckpointError).get("weight_map")
    if not isinstance(files, dict) or not files:
        raise CheckpointError(f"{path}: it has no weight_map.")
    shapes: dict[str, tuple[int, ...]] = {}
    readers: dict[str, Callable[[str], np.ndarray]] = {}
    for name in _distinct(files.values()):
        if not is_plain_name(name) or not (path.parent / name).is_file():
            raise CheckpointError(f"{path}: the file {name!r:.80} that it names is missing.")
        found, read = reader(path.parent / name)
        shapes.update(found)
        readers.update(dict.fromkeys(found, read))
    if missing := sorted(set(files) - set(shapes)):
        raise CheckpointError(f"{path}: no file holds {', '.join(missing[:5])}.")
    return shapes, lambda name: readers[name](name)


def _distinct(names: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(map(str, names)))


def _tensorflow_prefix(folder: Path) -> Path | None:
    prefixes = [path.with_suffix("") for path in sorted(folder.glob("*.index"))]
    named = [prefix for prefix in prefixes if prefix.name == "bert_model.ckpt"]
    found = named or prefixes
    if len(found) > 1:
        raise CheckpointError(
            f"{folder}: several TensorFlow checkpoints ({', '.join(path.name for path in found)}); "
            "keep only the one to import."
        )
    return found[0] if found else None


def _tensorflow(prefix: Path) -> _Tensors:
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
        raise CheckpointError(
            f"{prefix}: not a whole TensorFlow checkpoint ({str(error).splitlines()[0]})."
        ) from error

    def read(name: str) -> np.ndarray:
        try:
            return reader.get_tensor(name)
        except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
            raise CheckpointError(
                f"{prefix}: {name} cannot be read ({str(error).splitlines()[0]})."
            ) from error

    return shapes, read


_READERS: tuple[tuple[str, Callable[[Path], _Tensors]], ...] = (
    ("model.safetensors", _safetensors),
    ("model.safetensors.index.json", lambda path: _shards(path, _safetensors)),
    ("pytorch_model.bin", _pickle),
    ("pytorch_model.bin.index.json", lambda path: _shards(path, _pickle)),
)
