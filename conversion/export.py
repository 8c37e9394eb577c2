"""Turns a fine-tuned checkpoint into a folder that another runtime can serve from.

python -m conversion.export CKPT_DIR OUT --format=saved_model|onnx|litert [--quantize=int8]
"""

import importlib.util
import logging
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError, OptionError
from common.files import to_json
from common.whole_files import whole_folder
from conversion.agreement import Arrays, Calls, check_agreement, sample_calls
from conversion.exported import (
    DESCRIPTION,
    FORMAT_VERSION,
    PARTS,
    TOKENIZER,
    VOCABULARY,
    WHOLE,
    model_file,
)
from models.checkpoints.folder import CONFIG, METRICS
from training.command_line import run, standard_error_closed
from training.options.conversion import ExportOptions

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.serving_model import ServingPart
    from models.task_model import TaskModel
    from training.prediction import Predictor

logger = logging.getLogger(__name__)

_NEEDED = {
    "onnx": ("onnx", "tf2onnx"),
    "onnx, int8": ("onnx", "tf2onnx", "onnxruntime"),
}


def export(options: ExportOptions) -> Path:
    """Writes the checkpoint `options.ckpt_dir` to the folder `options.out`, whole or not at all.

    Where the export's own runtime is installed, the export is run there once and compared with the
    checkpoint before it takes its name.

    Returns:
        The folder.

    Raises:
        CheckpointError: not a whole, fine-tuned checkpoint.
        InputError: a package that the format needs is not installed.
        OptionError: the folder already holds something else, or an export and no
            `options.overwrite`; or the format cannot express the backbone.
    """
    # Imported here: `--help` is instant.
    from training.prediction import Predictor

    out = Path(options.out)
    _check_output(out, options.overwrite)
    _check_packages(options)
    predictor = Predictor(Path(options.ckpt_dir))
    _check_backbone(options.format, predictor.model.backbone)
    quantized = ", int8" if options.quantize == "int8" else ""
    logger.info("exporting %s as %s%s", options.ckpt_dir, options.format, quantized)
    parts = predictor.task.serving_parts(predictor.model)
    calls = sample_calls(predictor, parts)
    if options.format == "saved_model":
        _quantize(predictor.model, options.quantize)
    files = {name: model_file(options.format, name) for name in parts}
    with whole_folder(out, replace=options.overwrite) as folder:
        for name, part in parts.items():
            _WRITERS[options.format](part, folder / files[name], options.quantize)
        _write_beside(predictor, parts, folder, options, calls)
        check_agreement(folder, calls, exact=options.quantize == "none")
    written = " and ".join(str(out / name) for name in files.values())
    logger.info("wrote %s (%.1f MB in all)", written, bytes_of(out) / 1e6)
    return out


def bytes_of(folder: Path) -> int:
    """The size of all files in a folder and its subfolders."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _check_backbone(format: str, backbone: "Backbone") -> None:
    """Raises an `OptionError` if the format cannot express this backbone."""
    # LiteRT's loops need a batch size that is known when the model is converted.
    if format == "litert" and backbone.is_recurrent:
        raise OptionError(
            f"--format=litert has no loops for batches of any size, which the backbone "
            f"{backbone.config.backbone} needs: use --format=saved_model or --format=onnx."
        )


def _write_saved_model(model: "ServingPart", path: Path, quantize: str) -> None:
    _export_quietly(model, path, "tf_saved_model")


def _write_onnx(model: "ServingPart", path: Path, quantize: str) -> None:
    from conversion.onnx import convert_to_onnx, quantize_onnx

    shapes = {name: [*map(str, array.shape)] for name, array in model.arrays.items()}
    with standard_error_closed():
        convert_to_onnx(model, _signature(model), path, shapes)
    if quantize == "int8":
        quantize_onnx(path)


def _write_litert(model: "ServingPart", path: Path, quantize: str) -> None:
    import tensorflow as tf

    # Only built-in operations: the LiteRT runtime without TensorFlow knows no others.
    settings: dict[str, Any] = {
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
    }
    # The converter has its own way to int8 weights; Keras' int8 products are not among the
    # built-in operations. https://ai.google.dev/edge/litert/models/post_training_quant
    if quantize == "int8":
        settings["optimizations"] = [tf.lite.Optimize.DEFAULT]
    _export_quietly(model, path, "litert", **settings)


_WRITERS: dict[str, Callable[["ServingPart", Path, str], None]] = {
    "saved_model": _write_saved_model,
    "onnx": _write_onnx,
    "litert": _write_litert,
}


def _quantize(model: "TaskModel", quantize: str) -> None:
    if quantize == "none":
        return
    with warnings.catch_warnings():
        # Keras warns about every layer that it does not quantize.
        warnings.simplefilter("ignore", UserWarning)
        model.quantize(quantize)


def _export_quietly(model: "ServingPart", path: Path, format: str, **settings: Any) -> None:
    # One argument, a dict.
    signature = [_signature(model)]
    with warnings.catch_warnings(), standard_error_closed():
        warnings.simplefilter("ignore")
        model.export(str(path), format=format, input_signature=signature, verbose=False, **settings)


def _signature(model: "ServingPart") -> dict[str, Any]:
    """The inputs of TensorFlow's function: any length and any batch size."""
    import tensorflow as tf

    return {
        name: tf.TensorSpec(_sizes(array.shape), array.dtype, name=name)
        for name, array in model.arrays.items()
    }


def _sizes(shape: Sequence[str | int]) -> tuple[int | None, ...]:
    """The sizes of dimensions, None where they may vary."""
    return tuple(each if isinstance(each, int) else None for each in shape)


def _write_beside(
    predictor: "Predictor",
    parts: Mapping[str, "ServingPart"],
    folder: Path,
    options: ExportOptions,
    calls: Calls,
) -> None:
    """Writes what turns text into the model's inputs, and its outputs into answers."""
    for name in (VOCABULARY, TOKENIZER):
        shutil.copyfile(predictor.checkpoint.path(name), folder / name)
    (folder / METRICS).write_bytes(to_json(predictor.metrics))
    # Not the options of the run, such as the paths of its files.
    config = {name: each for name, each in predictor.checkpoint.config.items() if name != "options"}
    (folder / CONFIG).write_bytes(to_json(config))
    predictor.checkpoint.check_current()
    described = {
        name: {"model": model_file(options.format, name), **_described(part, calls[name])}
        for name, part in parts.items()
    }
    description = {
        "format_version": FORMAT_VERSION,
        "format": options.format,
        "quantize": options.quantize,
        "task": predictor.task.name,
        "fields": list(predictor.task.fields),
        "sequence_length": predictor.text.sequence_length,
        **(described[WHOLE] if set(described) == {WHOLE} else {PARTS: described}),
        "decision": predictor.task.serving_decision(),
    }
    for name, text in predictor.task.serving_files().items():
        (folder / name).write_bytes(text.encode())
    (folder / DESCRIPTION).write_bytes(to_json(description))


def _described(part: "ServingPart", calls: Sequence[tuple[Arrays, Arrays]]) -> dict[str, Any]:
    """The inputs and outputs of a part."""
    outputs = [calls[0][1], calls[-1][1]]
    return {
        "inputs": {
            name: {"dtype": array.dtype, "shape": list(array.shape)}
            for name, array in part.arrays.items()
        },
        "outputs": {"names": list(outputs[0]), "dtype": "float32", "shape": _shape(outputs)},
    }


def _shape(outputs: Sequence[Arrays]) -> list[str | int]:
    """The shape of the last output; a dimension of another size in each call is a length."""
    shapes = [list(each.values())[-1].shape[1:] for each in outputs]
    sizes: list[str | int] = [
        one if one == other else "length" for one, other in zip(*shapes, strict=True)
    ]
    return ["batch", *sizes]


def _check_output(out: Path, overwrite: bool) -> None:
    if out.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise OptionError(f"--out={out}: this is the current folder or above it; name another.")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / DESCRIPTION).is_file():
        raise OptionError(f"--out={out}: this exists and is no export; name another folder.")
    if not overwrite:
        raise OptionError(f"--out={out}: this holds an export; name another or add --overwrite.")


def _check_packages(options: ExportOptions) -> None:
    form = options.format
    needed = _NEEDED.get(f"{form}, {options.quantize}", _NEEDED.get(form, ()))
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"--format={form} needs {' and '.join(missing)}: pip install {' '.join(missing)}"
        )


def main() -> None:
    """Runs the command."""
    description = "Write a fine-tuned checkpoint for another runtime."
    # The exports are made from TensorFlow's graphs.
    run(export, ExportOptions, description, backends=("tensorflow",))


if __name__ == "__main__":
    main()
