"""Creates the input files of the runs of `benchmarks.equality` from the bundled sample."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def write_inputs(sample: Path, folder: Path) -> None:
    """Writes the files that the runs read.

    Args:
        sample: the folder of the bundled sample, `sample_*.txt`.
        folder: the folder to write to; it is created.
    """
    folder.mkdir(parents=True)
    free = _lines(sample / "sample_free_text.txt", 300)
    _write(folder / "free.txt", free)
    _write(folder / "free_spaced.txt", map(_spaced, free))
    _write(folder / "sentences.txt", (line.replace("。", "。\n") for line in free))
    characters = set("".join(free))
    for split, count in (("train", 200), ("valid", 80), ("test", 80)):
        lines = _lines(sample / f"sample_{split}.txt", count)
        characters |= set("".join(lines))
        _write(folder / f"plain_{split}.txt", lines)
        _write(folder / f"spaced_{split}.txt", map(_spaced, lines))
        single = [line for line in lines if line.count("__label__") == 1]
        _write(folder / f"single_{split}.txt", single)
        _write(folder / f"pairs_{split}.txt", _pairs(lines))
    known = sorted(character for character in characters if not character.isspace())
    _write_word_vectors(folder / "vectors.txt", known[::2], width=24)
    _write_bert(folder / "bert", known)


def _lines(path: Path, count: int) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()[:count]


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _spaced(line: str) -> str:
    """Splits the text into tokens of two characters, for another vocabulary than characters."""
    text, mark, labels = line.partition(" __label__")
    return " ".join(text[i : i + 2] for i in range(0, len(text), 2)) + mark + labels


def _pairs(lines: Sequence[str]) -> list[str]:
    """Pairs of the first sentence of a document and the second one, of the same or another one."""
    sentences = [line.partition(" __label__")[0].split("。") for line in lines]
    pairs = []
    for index, (first, second, *_) in enumerate(sentences):
        label = "same"
        if index % 2:
            label, second = "different", sentences[index - 1][1]
        pairs.append(f"{first}\t{second} __label__{label}")
    return pairs


def _write_word_vectors(path: Path, words: Sequence[str], width: int) -> None:
    values = np.random.default_rng(0).normal(0, 0.1, (len(words), width))
    rows = (
        f"{word} {' '.join(f'{value:.4f}' for value in row)}"
        for word, row in zip(words, values, strict=True)
    )
    _write(path, [f"{len(words)} {width}", *rows])


def _write_bert(folder: Path, characters: Sequence[str]) -> None:
    """Writes a folder like a `BertForPreTraining` saved by transformers, with random weights."""
    folder.mkdir()
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    _write(folder / "vocab.txt", tokens)
    width, inner, layers, positions = 32, 48, 2, 64
    config = {
        "architectures": ["BertForPreTraining"],
        "model_type": "bert",
        "vocab_size": len(tokens),
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": inner,
        "max_position_embeddings": positions,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}', encoding="utf-8")
    shapes: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (len(tokens), width),
        "bert.embeddings.position_embeddings.weight": (positions, width),
        "bert.embeddings.token_type_embeddings.weight": (2, width),
        "cls.predictions.bias": (len(tokens),),
    }
    dense = {
        "bert.pooler.dense": (width, width),
        "cls.predictions.transform.dense": (width, width),
        "cls.seq_relationship": (2, width),
    }
    norms = ["bert.embeddings.LayerNorm", "cls.predictions.transform.LayerNorm"]
    for index in range(layers):
        layer = f"bert.encoder.layer.{index}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            dense[f"{layer}.attention.{name}"] = (width, width)
        dense[f"{layer}.intermediate.dense"] = (inner, width)
        dense[f"{layer}.output.dense"] = (width, inner)
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name, shape in dense.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    random = np.random.default_rng(0)
    tensors = {
        name: (random.normal(0, 0.1, shape) + name.endswith("LayerNorm.weight")).astype(np.float32)
        for name, shape in shapes.items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
