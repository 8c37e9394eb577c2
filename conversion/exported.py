"""Runs an exported model in the runtime that it was made for."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from common.errors import InputError
from common.files import read_json
from training.command_line import standard_error_closed

FORMAT_VERSION = 1
DESCRIPTION = "model.json"
VOCABULARY, TOKENIZER = "vocab.txt", "tokenizer.json"
MODEL_FILES = {"saved_model": "saved_model", "onnx": "model.onnx", "litert": "model.tflite"}

Runner = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


class ExportedModel:
    """A folder that `conversion.export` wrote, loaded without Keras.

    Args:
        folder: the folder.

    Attributes:
        description: the content of its `model.json`.
        runtime: the name of what runs it.

    Raises:
        InputError: it is not such a folder, or its runtime is not installed.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / DESCRIPTION
        self.description = read_json(path, "the description of an export")
        version, form = (self.description.get(key) for key in ("format_version", "format"))
        if version != FORMAT_VERSION or not isinstance(form, str) or form not in _RUNNERS:
            raise InputError(
                f"not an export of version {FORMAT_VERSION} in a known format (its version is "
                f"{version!r:.80}, its format {form!r:.80})",
                path,
            )
        self.runtime, self._run = _RUNNERS[form](folder / MODEL_FILES[form])

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Scores a batch.

        Args:
            inputs: "token_ids", "segment_ids", "padding_mask", each (batch, length) of integers
                or bool.

        Returns:
            The outputs that `description` names, (batch, ...) float32 each.
        """
        return self._run({name: array.astype(np.int32) for name, array in inputs.items()})


def _saved_model(path: Path) -> tuple[str, Runner]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = serve(**{name: tf.constant(array) for name, array in inputs.items()})
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    # The signature does not keep the model's weights alive.
    run.loaded = loaded  # type: ignore[attr-defined]
    return f"TensorFlow {tf.__version__}", run


def _onnx(path: Path) -> tuple[str, Runner]:
    try:
        import onnxruntime
    except ImportError:
        raise InputError("ONNX models need onnxruntime: pip install onnxruntime") from None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return f"ONNX Runtime {onnxruntime.__version__}", run


def _litert(path: Path) -> tuple[str, Runner]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise InputError("LiteRT models need ai-edge-litert: pip install ai-edge-litert") from None
    with standard_error_closed():
        interpreter = Interpreter(str(path))
        # The runner resizes the inputs for each batch.
        runner = interpreter.get_signature_runner("serving_default")
        # The first run logs to standard error how it will be executed.
        runner(**{name: np.ones((1, 3), np.int32) for name in runner.get_input_details()})

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return runner(**inputs)

    return "LiteRT", run


_RUNNERS: dict[str, Callable[[Path], tuple[str, Runner]]] = {
    "saved_model": _saved_model,
    "onnx": _onnx,
    "litert": _litert,
}
