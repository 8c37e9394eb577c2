"""Runtimes that know nothing of this project, and random batches for what they run."""

import numpy as np

# The type of each input, and its second dimension.
INPUTS = {
    "token_ids": ("int32", "length"),
    "segment_ids": ("int32", "length"),
    "padding_mask": ("int32", "length"),
    "ngram_ids": ("int32", "entries"),
    "ngram_values": ("float32", "entries"),
}


def open_saved_model(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]
    signature = serve.structured_input_signature[1]
    assert {name: spec.dtype.name for name, spec in signature.items()} == {
        name: dtype for name, (dtype, _) in INPUTS.items()
    }
    assert all(spec.shape.as_list() == [None, None] for spec in signature.values())
    assert set(serve.structured_outputs) == {"logits", "probabilities"}

    def run(inputs):
        # `loaded` is named here because the signature does not keep the weights alive.
        outputs = loaded.signatures["serving_default"](
            **{name: tf.constant(array) for name, array in inputs.items()}
        )
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    return run


def open_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    types = {"int32": "tensor(int32)", "float32": "tensor(float)"}
    assert {item.name: (item.type, *item.shape) for item in session.get_inputs()} == {
        name: (types[dtype], "batch", size) for name, (dtype, size) in INPUTS.items()
    }
    assert {(item.name, *item.shape) for item in session.get_outputs()} == {
        ("logits", "batch", 3),
        ("probabilities", "batch", 3),
    }
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def open_litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    runner = interpreter.get_signature_runner("serving_default")
    return lambda inputs: runner(**inputs)


OPEN = {"saved_model": open_saved_model, "onnx": open_onnx, "litert": open_litert}
FILES = {"saved_model": "saved_model", "onnx": "model.onnx", "litert": "model.tflite"}


def batch_of(rows, length, vocab_size, num_ngrams, seed):
    """Random tokens and n-grams; as many n-grams as twice the tokens of some text."""
    random = np.random.default_rng(seed)
    lengths = np.append(length, random.integers(3, length + 1, size=rows - 1))
    mask = np.arange(length) < lengths[:, None]
    ids = np.where(mask, random.integers(5, vocab_size, size=mask.shape), 0)
    entries = np.arange(2 * length) < random.permutation(2 * lengths)[:, None]
    features = random.integers(0, num_ngrams, size=entries.shape)
    return {
        "token_ids": ids.astype(np.int32),
        "segment_ids": np.zeros_like(ids, np.int32),
        "padding_mask": mask.astype(np.int32),
        "ngram_ids": np.where(entries, features, 0).astype(np.int32),
        "ngram_values": np.where(entries, random.random(entries.shape), 0).astype(np.float32),
    }
