"""A fine-tuned checkpoint as a folder that another runtime can serve from."""

import importlib.util
import json
import logging
import os
import secrets
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from common.errors import InputError, OptionError
from conversion.exported import (
    DESCRIPTION,
    FORMAT_VERSION,
    MODEL_FILES,
    TOKENIZER,
    VOCABULARY,
    ExportedModel,
)
from conversion.onnx import convert_to_onnx
from models.serving_model import INPUTS, ServingModel
from training.command_line import standard_error_closed
from training.options.scripts import ExportOptions
from training.prediction import Predictor

logger = logging.getLogger(__name__)

TOLERANCE = 1e-4
_NEEDED = {"onnx": ("onnx", "tf2onnx")}


def export(options: ExportOptions) -> Path:
    """Writes the checkpoint `options.ckpt_dir` to the folder `options.out`, whole or not at all.

    The export is run once in its own runtime, where that is installed, before it takes its name.

    Returns:
        The folder.

    Raises:
        CheckpointError: not a whole, fine-tuned checkpoint.
        InputError: a package that the format needs is not installed.
        OptionError: the folder holds something already.
    """
    out = Path(options.out)
    _check_output(out, options.overwrite)
    _check_packages(options.format)
    predictor = Predictor(Path(options.ckpt_dir))
    quantized = ", int8" if options.quantize == "int8" else ""
    logger.info("exporting %s as %s%s", options.ckpt_dir, options.format, quantized)
    model = ServingModel(predictor.model)
    sample = _sample(predictor)
    expected = [
        {name: np.asarray(output) for name, output in model(batch).items()} for batch in sample
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    incoming = out.with_name(f".{out.name}.{secrets.token_hex(8)}.tmp")
    incoming.mkdir()
    try:
        _WRITERS[options.format](model, incoming / MODEL_FILES[options.format], options.quantize)
        _write_beside(predictor, incoming, options, expected[0])
        _check_agreement(incoming, sample, expected, options)
        _flush_to_disk(incoming)
        _publish(incoming, out)
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise
    logger.info("wrote %s (%.1f MB in all)", out / MODEL_FILES[options.format], bytes_of(out) / 1e6)
    return out


def bytes_of(folder: Path) -> int:
    """How large the files in a folder, and in its folders, are together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _write_saved_model(model: ServingModel, path: Path, quantize: str) -> None:
    _quantize(model, quantize)
    _export_quietly(model, path, "tf_saved_model")


def _write_onnx(model: ServingModel, path: Path, quantize: str) -> None:
    _quantize(model, quantize)
    convert_to_onnx(lambda: _export_quietly(model, path, "onnx"), path)


def _write_litert(model: ServingModel, path: Path, quantize: str) -> None:
    # Only built-in operations: the LiteRT runtime without TensorFlow knows no others.
    settings: dict[str, Any] = {
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
    }
    # The converter has its own way to int8 weights; Keras' int8 products are not among the
    # built-in operations. https://ai.google.dev/edge/litert/models/post_training_quant
    if quantize == "int8":
        settings["optimizations"] = [tf.lite.Optimize.DEFAULT]
    _export_quietly(model, path, "litert", **settings)


_WRITERS: dict[str, Callable[[ServingModel, Path, str], None]] = {
    "saved_model": _write_saved_model,
    "onnx": _write_onnx,
    "litert": _write_litert,
}


def _quantize(model: ServingModel, quantize: str) -> None:
    if quantize == "none":
        return
    with warnings.catch_warnings():
        # Keras names every layer that stays as it is.
        warnings.simplefilter("ignore", UserWarning)
        model.quantize(quantize)


def _export_quietly(model: ServingModel, path: Path, format: str, **settings: Any) -> None:
    # In one argument, by name; every length and every batch size.
    signature = [{name: tf.TensorSpec((None, None), tf.int32, name=name) for name in INPUTS}]
    with warnings.catch_warnings(), standard_error_closed():
        warnings.simplefilter("ignore")
        model.export(str(path), format=format, input_signature=signature, verbose=False, **settings)


def _write_beside(
    predictor: Predictor, folder: Path, options: ExportOptions, outputs: dict[str, np.ndarray]
) -> None:
    """What text has to go through before the model, and what its numbers mean."""
    for name in (VOCABULARY, TOKENIZER):
        shutil.copyfile(predictor.checkpoint.path(name), folder / name)
    description = {
        "format_version": FORMAT_VERSION,
        "format": options.format,
        "model": MODEL_FILES[options.format],
        "quantize": options.quantize,
        "task": predictor.task.name,
        "sequence_length": predictor.text.sequence_length,
        "inputs": {"names": INPUTS, "dtype": "int32", "shape": ["batch", "length"]},
        "outputs": {
            "names": list(outputs),
            "dtype": "float32",
            "shape": ["batch", *next(iter(outputs.values())).shape[1:]],
        },
    }
    texts = {DESCRIPTION: json.dumps(description, ensure_ascii=False, indent=2) + "\n"}
    for name, text in {**predictor.task.serving_files(), **texts}.items():
        (folder / name).write_text(text, encoding="utf-8")


def _sample(predictor: Predictor) -> list[dict[str, np.ndarray]]:
    """Batches of random ids, one of them with padding, to compare the export on."""
    random = np.random.default_rng(0)
    longest = min(predictor.text.sequence_length, 70)
    batches = []
    for lengths in ([4], [longest, 4, longest // 2]):
        mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
        ids = random.integers(len(predictor.text.vocabulary), size=mask.shape)
        arrays = (np.where(mask, ids, 0), np.zeros(mask.shape), mask)
        batches.append(
            {name: array.astype(np.int32) for name, array in zip(INPUTS, arrays, strict=True)}
        )
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
    name = list(expected[0])[-1]  # what the other outputs come to: probabilities, if there are any
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
        "ran it in %s: its %s differ from the checkpoint's by %.1e at most on random input",
        exported.runtime,
        name,
        difference,
    )


def _check_output(out: Path, overwrite: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / DESCRIPTION).is_file():
        raise OptionError(f"--out={out}: this is there and is no export; name another folder.")
    if not overwrite:
        raise OptionError(f"--out={out}: this holds an export; name another or add --overwrite.")


def _check_packages(format: str) -> None:
    missing = [name for name in _NEEDED.get(format, ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"--format={format} needs {' and '.join(missing)}: pip install {' '.join(missing)}"
        )


def _publish(incoming: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.{secrets.token_hex(8)}.old")
    if out.exists():
        out.rename(old)
    try:
        incoming.rename(out)
    except BaseException:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _flush_to_disk(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
