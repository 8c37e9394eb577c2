"""Measures the speed of labelling text, compared with TF-IDF and transformers.

    python -m benchmarks.prediction_speed --data=DATA [--documents=5000] [--rounds=5]
        [--preset=small]

Fine-tunes a TextCNN and a Transformer on CAIL2018 for one epoch (more would not change the speed)
and labels lines of CAIL2018 with the code of `predict.py`: reading, tokenizing, batching, network,
JSON. The others read the same lines: TF-IDF of character n-grams with one linear SVM per label, and
BERT of the library transformers with PyTorch, of the Transformer's shape, on the same tokens, in
batches of similar length.

Prints one Markdown table per backbone with one row per side: documents per second of processor time
("per cpu second") and of wall time, medians over the rounds and without loading; and how many times
as fast this project is, the median of the rounds' ratios.
"""

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import speed_parser
from benchmarks.lib.measuring import in_turn, needed, report, summary
from benchmarks.lib.peers import PAD, Shape, padded
from common.blocks import blocks
from models.presets import PRESETS

BATCH = 64
TOGETHER = 16


def main() -> None:
    """Trains, measures and prints the table."""
    options = speed_parser(__doc__)
    options.add_argument("--documents", type=int, default=5000, help="lines to label")
    options.add_argument(
        "--folder", type=Path, help="keeps the classifiers; default: a temporary one"
    )
    options.add_argument("--preset", choices=tuple(PRESETS), default="small")
    arguments = options.parse_args()
    if arguments.test_mode:
        arguments.documents, arguments.rounds = 30, 1
    for module in ("torch", "transformers"):
        needed(module, 'pip install ".[benchmarks]" -r requirements-torch.txt')
    from training.command_line import quiet_libraries

    quiet_libraries()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        lines = Path(name) / "lines.json"
        with (arguments.data / "cail2018/test.json").open("rb") as source:
            repeated = itertools.cycle(source.readlines())
        lines.write_bytes(b"".join(itertools.islice(repeated, arguments.documents)))
        sides: dict[str, Callable[[], float]] = {}
        for backbone in ("text_cnn", "transformer"):
            checkpoint = folder / backbone
            fine_tuned(arguments, backbone, checkpoint)
            sides[f"ours, {backbone}"] = labelling(checkpoint, lines)
        sides["TF-IDF + linear SVM"] = linear(arguments, lines)
        sides["transformers"] = torch_bert(folder / "transformer", lines)
        samples = in_turn(sides, arguments.rounds)
    tables = {}
    for backbone, others in (
        ("text_cnn", ["TF-IDF + linear SVM"]),
        ("transformer", ["transformers", "TF-IDF + linear SVM"]),
    ):
        ours = f"ours, {backbone}"
        chosen = {name: samples[name] for name in (ours, *others)}
        tables[f"{backbone} `{arguments.preset}`: documents per second"] = summary(chosen, ours)
    report("prediction_speed", arguments, tables)


def fine_tuned(arguments: argparse.Namespace, backbone: str, folder: Path) -> None:
    """Trains a classifier for one epoch, unless the folder holds one."""
    from train_bert_fine_tuning import fine_tune
    from training.options.scripts import FineTuningOptions

    cail = arguments.data / "cail2018"
    sizes: dict[str, Any] = {"preset": arguments.preset}
    if arguments.test_mode:
        sizes = {"preset": "tiny", "d_model": 16}
    fine_tune(
        FineTuningOptions(
            training_data_file=[str(cail / "train.json")],
            valid_data_file=[str(cail / "valid.json")],
            test_data_file=[],
            ckpt_dir="",
            ckpt_dir_save=str(folder),
            data_path=str(folder.parent / "data"),
            backbone=backbone,
            num_epochs=1,
            test_mode=arguments.test_mode,
            **sizes,
        )
    )


def labelling(checkpoint: Path, lines: Path) -> Callable[[], float]:
    """Returns a function that does the work of `predict.py`, without loading the checkpoint."""
    from training.prediction import Predictor

    classifier = Predictor(checkpoint)

    def work() -> float:
        done = 0
        with lines.open("rb") as source:
            records = classifier.task.read(source, str(lines))
            for block in blocks(records, BATCH * TOGETHER):
                for result in classifier.predict([line.record for line in block], BATCH):
                    json.dumps(result, ensure_ascii=False)
                done += len(block)
        return done

    return work


def linear(arguments: argparse.Namespace, lines: Path) -> Callable[[], float]:
    """TF-IDF and a linear SVM per label, from lines to JSON."""
    from sklearn.svm import LinearSVC

    from benchmarks.lib.baselines import FEATURES, LinearTfidf
    from data_util.reading.documents import read_documents

    count = 200 if arguments.test_mode else None
    path = str(arguments.data / "cail2018/train.json")
    documents = list(itertools.islice(read_documents([path], labelled=True), count))
    labels = sorted({label for document in documents for label in document.labels})
    targets = np.array([[label in one.labels for label in labels] for one in documents], np.int64)
    features = FEATURES["characters"]
    model = LinearTfidf([one.text for one in documents], targets, features, LinearSVC)

    def work() -> float:
        texts = [json.loads(line)["fact"] for line in lines.open("rb")]
        for row in model.scores(texts):
            json.dumps({"labels": [labels[number] for number in np.flatnonzero(row > 0.5)]})
        return len(texts)

    return work


def torch_bert(checkpoint: Path, lines: Path) -> Callable[[], float]:
    """transformers' BERT of the same shape and vocabulary, with random weights."""
    import torch
    import transformers

    from training.prediction import Predictor

    ours = Predictor(checkpoint)
    sizes: Any = ours.checkpoint.backbone
    shape = Shape(
        sizes.vocab_size,
        len(ours.task.labels),
        sizes.d_model,
        sequence_length=ours.text.sequence_length,
    )
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=sizes.vocab_size,
            hidden_size=sizes.d_model,
            num_hidden_layers=sizes.num_layers,
            num_attention_heads=sizes.num_heads,
            intermediate_size=sizes.d_ff,
            num_labels=len(ours.task.labels),  # type: ignore[call-arg]
        )
    ).eval()

    @torch.inference_mode()
    def work() -> float:
        texts = [json.loads(line)["fact"] for line in lines.open("rb")]
        for first in range(0, len(texts), BATCH * TOGETHER):
            ids = [one.ids for (one,) in ours.encode(texts[first : first + BATCH * TOGETHER])]
            order = sorted(range(len(ids)), key=lambda number: len(ids[number]))
            for start in range(0, len(order), BATCH):
                batch = padded([ids[number] for number in order[start : start + BATCH]], shape)
                logits = model(
                    input_ids=torch.from_numpy(batch),
                    attention_mask=torch.from_numpy((batch != PAD).astype(np.int64)),
                ).logits
                for row in torch.sigmoid(logits).numpy():
                    json.dumps({"labels": np.flatnonzero(row > 0.5).tolist()})
        return len(texts)

    return work


if __name__ == "__main__":
    main()
