"""Turns a fine-tuned checkpoint into a folder that another runtime can serve from.

python -m conversion.export CKPT_DIR OUT --format=saved_model|onnx|litert [--quantize=int8]
"""

import importlib.util
import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError, OptionError
from common.files import to_json
from common.whole_files import whole_folder
from conversion.exported import (
    DESCRIPTION,
    FORMAT_VERSION,
    MODEL_FILES,
    TOKENIZER,
    VOCABULARY,
    ExportedModel,
)
from models.checkpoints.folder import CONFIG, METRICS
from training.command_line import run, standard_error_closed
from training.options.conversion import ExportOptions

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.serving_model import ServingModel
    from training.prediction import Predictor

logger = logging.getLogger(__name__)

TOLERANCE = 1e-4
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
            `options.overwrite`; or the format cannot express the backbone, or an export the task.
    """
    # Imported here: `--help` is instant.
    from models.serving_model import ServingModel
    from training.prediction import Predictor

    out = Path(options.out)
    _check_output(out, options.overwrite)
    _check_packages(options)
    predictor = Predictor(Path(options.ckpt_dir))
    predictor.task.check_export()
    _check_backbone(options.format, predictor.model.backbone)
    quantized = ", int8" if options.quantize == "int8" else ""
    logger.info("exporting %s as %s%s", options.ckpt_dir, options.format, quantized)
    model = ServingModel(predictor.model)
    sample = _sample(predictor, model)
    expected = [
        {name: np.asarray(output) for name, output in model(batch).items()} for batch in sample
    ]
    with whole_folder(out, replace=options.overwrite) as folder:
        _WRITERS[options.format](model, folder / MODEL_FILES[options.format], options.quantize)
        _write_beside(predictor, model, folder, options, expected)
        _check_agreement(folder, sample, expected, options)
    logger.info("wrote %s (%.1f MB in all)", out / MODEL_FILES[options.format], bytes_of(out) / 1e6)
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


def _write_saved_model(model: "ServingModel", path: Path, quantize: str) -> None:
    _quantize(model, quantize)
    _export_quietly(model, path, "tf_saved_model")


def _write_onnx(model: "ServingModel", path: Path, quantize: str) -> None:
    from conversion.onnx import convert_to_onnx, quantize_onnx

    shapes = {name: [*map(str, array.shape)] for name, array in model.arrays.items()}
    convert_to_onnx(lambda: _export_quietly(model, path, "onnx"), path, shapes)
    if quantize == "int8":
        quantize_onnx(path)


def _write_litert(model: "ServingModel", path: Path, quantize: str) -> None:
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


_WRITERS: dict[str, Callable[["ServingModel", Path, str], None]] = {
    "saved_model": _write_saved_model,
    "onnx": _write_onnx,
    "litert": _write_litert,
}


def _quantize(model: "ServingModel", quantize: str) -> None:
    if quantize == "none":
        return
    with warnings.catch_warnings():
        # Keras warns about every layer that it does not quantize.
        warnings.simplefilter("ignore", UserWarning)
        model.quantize(quantize)


def _export_quietly(model: "ServingModel", path: Path, format: str, **settings: Any) -> None:
    import tensorflow as tf

    # One argument, a dict; any length and any batch size.
    signature = [
        {
            name: tf.TensorSpec((None,) * len(array.shape), array.dtype, name=name)
            for name, array in model.arrays.items()
        }
    ]
    with warnings.catch_warnings(), standard_error_closed():
        warnings.simplefilter("ignore")
        model.export(str(path), format=format, input_signature=signature, verbose=False, **settings)


def _write_beside(
    predictor: "Predictor",
    model: "ServingModel",
    folder: Path,
    options: ExportOptions,
    expected: list[dict[str, np.ndarray]],
) -> None:
    """Writes what turns text into the model's inputs, and its outputs into answers."""
    for name in (VOCABULARY, TOKENIZER):
        shutil.copyfile(predictor.checkpoint.path(name), folder / name)
    (folder / METRICS).write_bytes(to_json(predictor.metrics))
    # Not the options of the run, such as the paths of its files.
    config = {name: each for name, each in predictor.checkpoint.config.items() if name != "options"}
    (folder / CONFIG).write_bytes(to_json(config))
    predictor.checkpoint.check_current()
    description = {
        "format_version": FORMAT_VERSION,
        "format": options.format,
        "model": MODEL_FILES[options.format],
        "quantize": options.quantize,
        "task": predictor.task.name,
        "fields": list(predictor.task.fields),
        "sequence_length": predictor.text.sequence_length,
        "inputs": {
            name: {"dtype": array.dtype, "shape": list(array.shape)}
            for name, array in model.arrays.items()
        },
        "outputs": {
            "names": list(expected[0]),
            "dtype": "float32",
            "shape": _shape(expected),
        },
        "decision": predictor.task.serving_decision(),
    }
    for name, text in predictor.task.serving_files().items():
        (folder / name).write_bytes(text.encode())
    (folder / DESCRIPTION).write_bytes(to_json(description))


def _shape(expected: list[dict[str, np.ndarray]]) -> list[str | int]:
    """The shape of the last output; a dimension of another size in each batch is a length."""
    shapes = [list(outputs.values())[-1].shape[1:] for outputs in expected]
    sizes: list[str | int] = [
        one if one == other else "length" for one, other in zip(*shapes, strict=True)
    ]
    return ["batch", *sizes]


def _sample(predictor: "Predictor", model: "ServingModel") -> list[dict[str, np.ndarray]]:
    """Two batches of random inputs, one of them with padding, to compare the export on."""
    random = np.random.default_rng(0)
    longest = min(predictor.text.sequence_length, 70)
    counts = {"token_ids": len(predictor.text.vocabulary)}
    features = getattr(predictor.model, "num_features", 1)
    batches = []
    for lengths in ([4], [longest, 4, longest // 2]):
        mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
        batch = {"padding_mask": mask.astype(np.int32)}
        # Of several texts the second one begins in the middle.
        second = np.arange(max(lengths)) >= np.array(lengths)[:, None] // 2
        batch["segment_ids"] = (mask & second & (len(predictor.task.fields) > 1)).astype(np.int32)
        for name, array in model.arrays.items():
            if name in batch:
                continue
            values = random.random(mask.shape)
            if array.dtype == "int32":
                values = np.floor(values * counts.get(name, features))
            batch[name] = np.where(mask, values, 0).astype(array.dtype)
        batches.append(batch)
    return batches


def _check_agreement(
    folder: Path,
    sample: list[dict[str, np.ndarray]],
    expected: list[dict[str, np.ndarray]],
    options: ExportOptions,
) -> None:
    try:
        exported = ExportedModel(folder)
    except InputError as error:
        logger.warning("the export was not run: %s", error.message)
        return
    name = list(expected[0])[-1]  # the probabilities, if the task has any
    difference = max(
        float(np.abs(exported(batch)[name] - outputs[name]).max())
        for batch, outputs in zip(sample, expected, strict=True)
    )
    if options.quantize == "none" and not difference <= TOLERANCE:
        raise RuntimeError(
            f"the exported model's {name} differ from the checkpoint's by {difference:.1e}, "
            f"more than {TOLERANCE}; nothing was written. Please report this."
        )
    logger.info(
        "ran it in %s: its %s differ from the checkpoint's by at most %.1e on random input",
        exported.runtime,
        name,
        difference,
    )


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
