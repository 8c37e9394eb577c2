"""Compares the tasks with what people would use instead, one table for each.

    python -m benchmarks.tasks --data=DATA --table=ner [--data_sets=cail2021_legal_ner,msra_ner]
        [--backbones=text_cnn,transformer] [--limit=1000] [--epochs=8] [--crf=false,true]
        [--pretrain] [--fine_tuning=batch_size=16]

`--limit` takes so many training texts, and a quarter as many for validation and test, so that all
of it runs in minutes. `--pretrain` also pre-trains each backbone on `legal_corpus` with characters,
for `--pretraining_epochs`, and fine-tunes from there. `--fine_tuning` adds options to every
fine-tuning. Completed runs in the folder are not repeated.

Prints a Markdown table for each data set, with a row for each system: entity F1, precision, recall
and macro F1 on the test texts, as seqeval computes them.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.lib import ner_table
from benchmarks.lib.arguments import options_of, parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.results import Results
from benchmarks.lib.runs import flags, run
from benchmarks.lib.spacy_entities import spacy_entities
from models.registry import BACKBONES
from training.command_line import quiet_libraries

_FIGURES = ("entity_f1", "precision", "recall", "macro_f1")
_RATES = {"text_cnn": "3e-3", "lstm": "3e-3", "transformer": "1e-3"}


def main() -> None:
    """Runs what is missing and prints the tables."""
    options = parser(__doc__, folder="checkpoint_tasks")
    options.add_argument("--table", choices=tuple(TABLES), default="ner")
    options.add_argument("--data_sets", default=",".join(ner_table.DATA_SETS))
    options.add_argument("--backbones", default=",".join(BACKBONES))
    options.add_argument("--limit", type=int, default=None)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--preset", default="tiny")
    options.add_argument(
        "--crf",
        choices=("false", "true", "false,true"),
        default="false",
        help="networks without a CRF, with one, or both",
    )
    options.add_argument("--pretrain", action="store_true")
    options.add_argument("--pretraining_epochs", type=int, default=3)
    options.add_argument("--fine_tuning", type=options_of, default={}, help="NAME=VALUE,NAME=VALUE")
    arguments = options.parse_args()
    quiet_libraries()
    TABLES[arguments.table](arguments)


def ner(arguments: Any) -> None:
    """The table of named entities."""
    for name in arguments.data_sets.split(","):
        folder = arguments.folder / f"{name}-{arguments.limit or 'all'}"
        files = ner_table.prepared(name, arguments.data, folder / "files", arguments.limit)
        peers = {
            "CRF on characters (sklearn-crfsuite)": partial(ner_table.crf_on_characters, files),
            "spaCy's recognizer": partial(spacy_entities, files, arguments.epochs),
        }
        results = Results(folder / "peers.jsonl")
        rows = [
            results.once(
                {"system": label, "epochs": arguments.epochs}, partial(_row, label, measure)
            )
            for label, measure in peers.items()
        ]
        for backbone in arguments.backbones.split(","):
            for crf in (choice == "true" for choice in arguments.crf.split(",")):
                rows += _networks(name, files, folder, backbone, crf, arguments)
        print(f"\n{name}\n\n{markdown(rows)}")


TABLES: dict[str, Callable[[Any], None]] = {"ner": ner}


def _networks(
    name: str,
    files: Mapping[str, Path],
    folder: Path,
    backbone: str,
    crf: bool,
    arguments: Any,
) -> list[dict[str, str]]:
    """A row from random weights, and one from a checkpoint."""
    options = [
        f"--num_epochs={arguments.epochs}",
        f"--patience={arguments.epochs}",
        f"--crf={str(crf).lower()}",
        f"--learning_rate={_RATES.get(backbone, '1e-3')}",
        f"--head_learning_rate={_RATES.get(backbone, '1e-3')}",
    ]
    size = [f"--backbone={backbone}", f"--preset={arguments.preset}"]
    starts = {"random weights": ("", [*size, "--tokenize_style=char"])}
    if arguments.pretrain:
        checkpoint = str(_pretrained(size, backbone, arguments))
        starts["pre-trained"] = (checkpoint, [])
    rows = []
    for title, (checkpoint, further) in starts.items():
        label = f"{backbone} `{arguments.preset}`{', CRF' if crf else ''}, {title}"
        target = folder / f"{backbone}{'-crf' if crf else ''}-{title.split()[0]}"
        all_options = [*options, *further, *flags(arguments.fine_tuning)]
        rows.append(_row(label, ner_table.ours, name, files, target, all_options, checkpoint))
    return rows


def _pretrained(size: list[str], backbone: str, arguments: Any) -> Path:
    folder = arguments.folder / f"pretrained-{backbone}"
    run(
        "train_bert_lm.py",
        f"--mask_lm_source_file={arguments.data / 'legal_corpus/train.txt'}",
        f"--ckpt_dir={folder}",
        f"--data_path={arguments.folder / 'data'}",
        "--tokenize_style=char",
        "--objectives=masked_lm",
        f"--num_epochs={arguments.pretraining_epochs}",
        *size,
    )
    return folder


def _row(label: str, measure: Callable[..., Mapping[str, Any]], *arguments: Any) -> dict[str, str]:
    began = time.monotonic()
    found = measure(*arguments)
    seconds = time.monotonic() - began
    figures = {name.replace("_", " "): f"{found[name]:.3f}" for name in _FIGURES}
    return {"system": label, **figures, "seconds": f"{seconds:.0f}"}


if __name__ == "__main__":
    main()
