"""Compares how much of a backbone is trained: F1, trained parameters, seconds, size on disk.

    python -m benchmarks.tuning --data=DATA [--data_sets=cail2018,goemotions] [--documents=N]
        [--backbones=text_cnn,transformer] [--preset=small] [--seeds=1] [--folder=...]
        [--pretrained=CHECKPOINT] [--variants='full;adapter, houlsby']

`--data` is the folder of the data sets (see `benchmarks/lib/data_sets.py`). For each data set and
backbone it pre-trains once on the text of the training documents, or takes the checkpoint given,
and fine-tunes from it with each tuning and seed, without the TF-IDF classifier, so that the network
alone is compared. `--variants` names rows, separated by semicolons. Completed runs in the folder
are not repeated.

Prints a Markdown table for each data set and backbone: means over the seeds, and the standard
deviation of F1. "seconds" are those of the training steps of all epochs together, without
validations; where the features of a frozen backbone are computed once, that time is not among them
and is in the log. "MB" is the size of the weights in the published checkpoint.
"""

from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.lib.arguments import parser, rows_among
from benchmarks.lib.data_sets import DATA_SETS, first_lines, labelled_files
from benchmarks.lib.experiment_tables import mean_and_spread
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import read_metrics, run, split_flags, validations
from models.registry import BACKBONES

VARIANTS: dict[str, list[str]] = {
    "full": [],
    "full, --layer_decay=0.5": ["--layer_decay=0.5"],
    "full, --weighted_layers": ["--weighted_layers"],
    "frozen": ["--tuning=frozen"],
    "frozen, --weighted_layers": ["--tuning=frozen", "--weighted_layers"],
    "gradual": ["--tuning=gradual"],
    "adapter, houlsby": ["--tuning=adapter"],
    "adapter, pfeiffer": ["--tuning=adapter", "--adapter_place=pfeiffer"],
    "lora": ["--tuning=lora"],
    "ULMFiT": [
        "--tuning=gradual",
        "--layer_decay=0.385",
        "--schedule=slanted_triangular",
        "--head=concat_pooled",
    ],
}
WEIGHTS = ("model.weights.h5", "tuned.weights.h5")


def main() -> None:
    """Runs the missing trainings and prints the tables."""
    options = parser(__doc__, folder="checkpoint_tuning")
    options.add_argument("--data_sets", default="cail2018,goemotions", help="comma-separated")
    options.add_argument("--backbones", default="text_cnn,transformer", help="comma-separated")
    options.add_argument("--preset", default="small")
    options.add_argument("--documents", type=int, default=0, help="of the training set; 0: all")
    options.add_argument("--pretraining_epochs", type=int, default=0, help="0: the data set's")
    options.add_argument("--pretrained", type=Path, help="a checkpoint to use for all pre-training")
    options.add_argument("--num_epochs", type=int, default=10, help="of fine-tuning")
    options.add_argument("--sequence_length", type=int, default=256)
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument(
        "--variants", type=rows_among(VARIANTS), default=list(VARIANTS), help="names of rows"
    )
    arguments = options.parse_args()
    tables = []
    for name in arguments.data_sets.split(","):
        for backbone in arguments.backbones.split(","):
            if name not in DATA_SETS or backbone not in BACKBONES:
                options.error(f"{name}, {backbone}: no such data set or backbone")
            tables.append((name, backbone, _measured(arguments, name, backbone)))
    for name, backbone, rows in tables:
        print(f"\n{name}, {backbone}\n\n{markdown(rows)}")


def _measured(arguments: Any, name: str, backbone: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    folder: Path = arguments.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    files = labelled_files(arguments.data, name, folder)
    train = files["train"]
    if arguments.documents:
        train = first_lines(train, folder, arguments.documents)
    data_set, common = DATA_SETS[name], [f"--data_path={folder / 'data'}"]
    pretrained = arguments.pretrained or folder / f"{backbone}-pretrained"
    if not arguments.pretrained:
        run(
            "train_bert_lm.py",
            *common,
            f"--mask_lm_source_file={train}",
            f"--backbone={backbone}",
            f"--preset={arguments.preset}",
            f"--num_epochs={arguments.pretraining_epochs or data_set.pretraining_epochs}",
            f"--ckpt_dir={pretrained}",
            *([f"--tokenize_style={data_set.tokenize_style}"] if data_set.tokenize_style else []),
        )
    rows = []
    for variant in arguments.variants:
        runs = []
        for seed in range(1, arguments.seeds + 1):
            save = folder / f"{backbone}-{variant.replace(', ', '-').replace('--', '')}-{seed}"
            run(
                "train_bert_fine_tuning.py",
                *common,
                *split_flags({**files, "train": train}),
                f"--task={data_set.task}",
                "--tfidf_classifier=false",
                f"--sequence_length={arguments.sequence_length}",
                f"--num_epochs={arguments.num_epochs}",
                f"--patience={arguments.num_epochs}",
                f"--seed={seed}",
                f"--ckpt_dir={pretrained}",
                f"--ckpt_dir_save={save}",
                *VARIANTS[variant],
            )
            runs.append(_result(save))
        rows.append({"tuning": variant, **_mean(runs)})
    return rows


def _result(folder: Path) -> dict[str, float]:
    metrics = read_metrics(folder)
    sizes = [(folder / name).stat().st_size for name in WEIGHTS if (folder / name).exists()]
    return {
        "test F1": metrics["test"]["f1"],
        "best valid F1": max(each["f1"] for each in validations(metrics)),
        "trained parameters": metrics["trained_parameters"],
        "seconds": sum(entry["seconds"] for entry in metrics["history"]),
        "MB": sum(sizes) / 1e6,
    }


def _mean(runs: list[dict[str, float]]) -> dict[str, str]:
    shown = {}
    for name in runs[0]:
        values = [each[name] for each in runs]
        digits = {"trained parameters": ",.0f", "seconds": ".0f", "MB": ".2f"}.get(name)
        shown[name] = format(fmean(values), digits) if digits else mean_and_spread(values)
    return shown


if __name__ == "__main__":
    main()
