"""What a Transformer's kind of positions does to step 1: masked-LM validation after each epoch.

    python -m benchmarks.positions --data=DATA [--positions=rotary,learned] [--num_epochs=3]
        [--folder=checkpoint_positions]

Step 1 on the legal corpus and CAIL2018's training documents, once for each kind, all else the
default. A run that the folder already holds is not run again, and one that was stopped goes on.
"""

from pathlib import Path
from typing import Any

from benchmarks.measuring import parser, report
from benchmarks.two_steps import read_metrics, run, sources_of_step_1


def main() -> None:
    """Runs what is missing and prints the table."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--positions", default="rotary,learned")
    options.add_argument("--num_epochs", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("checkpoint_positions"))
    arguments = options.parse_args()
    rows = []
    for kind in arguments.positions.split(","):
        folder = arguments.folder / kind
        command = [
            "--backbone=transformer",
            f"--position={kind}",
            sources_of_step_1(arguments.data),
            f"--num_epochs={arguments.num_epochs}",
            f"--data_path={arguments.folder}",
            f"--ckpt_dir={folder}",
        ]
        run("train_bert_lm.py", *command, *["--test_mode"] * arguments.test_mode)
        rows += by_epoch(kind, folder)
    report("positions", arguments, {"After each epoch": rows})


def by_epoch(kind: str, folder: Path) -> list[dict[str, Any]]:
    """A row for each epoch of a run of step 1: masked-LM loss and accuracy, seconds so far."""
    rows, seconds = [], 0.0
    for entry in read_metrics(folder)["history"]:
        seconds += entry["seconds"]
        rows.append(
            {
                "positions": kind,
                "epoch": entry["epoch"],
                "masked_lm_loss": entry["valid"]["masked_lm_loss"],
                "masked_lm_accuracy": entry["valid"]["masked_lm_accuracy"],
                "seconds": seconds,
            }
        )
    return rows


if __name__ == "__main__":
    main()
