"""Runs an exported model in the runtime that it was made for."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.files import read_json, read_text
from data_util.inputs import rows_to_inputs, truncated
from data_util.reading.text_pairs import Text
from data_util.tokens.pair_table import NGRAMS, FeatureTable, read_feature_table
from data_util.tokens.sparse_rows import ngram_inputs
from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary
from training.command_line import standard_error_closed

FORMAT_VERSION = 2
DESCRIPTION = "model.json"
VOCABULARY, TOKENIZER = "vocab.txt", "tokenizer.json"
# The part of a model that is exported in one.
WHOLE = "model"
# The key of the descriptions of the parts, where there are several.
PARTS = "parts"
_ENDINGS = {"onnx": ".onnx", "litert": ".tflite"}

Runner = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


def model_file(form: str, part: str) -> str:
    """The file, or the folder, of a part of an export.

    >>> model_file("onnx", "encoder"), model_file("saved_model", "model")
    ('encoder.onnx', 'saved_model')
    """
    if form in _ENDINGS:
        return part + _ENDINGS[form]
    return form if part == WHOLE else f"{form}_{part}"


def as_given(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays as an exported model takes them: float32, or else int32."""
    return {
        name: array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
        for name, array in inputs.items()
    }


class ExportedModel:
    """A folder that `conversion.export` wrote, loaded without Keras.

    Args:
        folder: the folder.

    Attributes:
        description: the content of its `model.json`.
        parts: what runs each part of the model, by name: from the part's inputs (more may be given)
            to its outputs, (batch, ...) float32 each. Most models have one part, "model".
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
        self._folder = folder
        described = self.description.get(PARTS, {WHOLE: self.description})
        self.runtime = ""
        self.parts: dict[str, Runner] = {}
        try:
            for name, part in described.items():
                self.runtime, run = _RUNNERS[form](folder / model_file(form, name))
                self.parts[name] = _named(run, list(part["inputs"]), list(part["outputs"]["names"]))
        except (AttributeError, KeyError, TypeError):
            raise InputError(
                "the inputs and outputs of the model are not described", path
            ) from None

    @cached_property
    def _text(self) -> tuple[Tokenizer, Vocabulary, FeatureTable | None]:
        vocabulary = Vocabulary.load(self._folder / VOCABULARY)
        table: FeatureTable | None = None
        if "ngram_ids" in self.description["inputs"]:
            path = self._folder / NGRAMS
            pairs = len(self.description["fields"]) > 1
            table = read_feature_table(read_text(path), str(path), pairs=pairs)
        return load_tokenizer(self._folder / TOKENIZER, vocabulary), vocabulary, table

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """The inputs for a batch of texts, or of pairs of texts.

        Raises:
            InputError: a file of the export is missing or damaged.
        """
        tokenizer, vocabulary, table = self._text
        length = self.description["sequence_length"]
        tokens = []
        for text in texts:
            parts = (text,) if isinstance(text, str) else text
            tokens.append(truncated([tokenizer.tokenize(part) for part in parts], length))
        rows = [tuple(vocabulary.encode(part) for part in parts) for parts in tokens]
        inputs = rows_to_inputs(rows, vocabulary, length)
        return inputs if table is None else inputs | ngram_inputs(table.feature_rows(tokens))

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Scores a batch.

        Args:
            inputs: those that `description` names, as `encode` gives them.

        Returns:
            The outputs that `description` names, (batch, ...) float32 each.
        """
        return self.parts[WHOLE](inputs)


def _named(run: Runner, inputs: list[str], outputs: list[str]) -> Runner:
    """A function that picks the inputs, and gives the outputs in their order."""

    def named(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = run(as_given({name: given[name] for name in inputs}))
        return {name: found[name] for name in outputs}

    return named


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
    try:
        options = onnxruntime.SessionOptions()
        # Threads that wait for work would keep their cores busy, which others may need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(
            str(path),
            options,
            providers=["CPUExecutionProvider"],
            # Slower than a sum and a LayerNormalization.
            disabled_optimizers=["SkipLayerNormFusion"],
        )
    except Exception as error:  # Of several kinds, by what is wrong with the file.
        raise _unusable(path, error) from error
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return f"ONNX Runtime {onnxruntime.__version__}", run


def _litert(path: Path) -> tuple[str, Runner]:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise InputError("LiteRT models need ai-edge-litert: pip install ai-edge-litert") from None
    with standard_error_closed():
        try:
            interpreter = Interpreter(str(path))
            if any(each["dtype"] is np.int8 for each in interpreter.get_tensor_details()):
                # XNNPACK, its default, gives NaN for batches whose size changes.
                plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
                interpreter = Interpreter(str(path), experimental_op_resolver_type=plain)
        except ValueError as error:
            raise _unusable(path, error) from error
        # The runner resizes the inputs for each batch.
        runner = interpreter.get_signature_runner("serving_default")
        # The first run logs to standard error how it will be executed.
        details = runner.get_input_details()
        runner(**{name: _first_input(name, each) for name, each in details.items()})

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return runner(**inputs)

    return "LiteRT", run


def _first_input(name: str, details: Mapping[str, Any]) -> np.ndarray:
    """An array for an input: one row, and three where any size will do; nothing is padding."""
    sizes = details["shape_signature"].tolist()
    shape = [3 if place and size < 0 else max(size, 1) for place, size in enumerate(sizes)]
    fill = np.ones if "mask" in name else np.zeros
    return fill(shape, details["dtype"])


def _unusable(path: Path, error: Exception) -> InputError:
    if not path.is_file():
        return InputError("there is no such file; export the checkpoint again", path)
    first = str(error).partition("\n")[0]
    return InputError(f"its runtime cannot load this model ({first!r:.200})", path)


_RUNNERS: dict[str, Callable[[Path], tuple[str, Runner]]] = {
    "saved_model": _saved_model,
    "onnx": _onnx,
    "litert": _litert,
}
