"""Kills training runs at random moments, resumes them, and compares the results.

    python -m benchmarks.crash_test [--kills=52] [--seed=1] [--folder=...] [--json=crash_test.json]

For each backbone and each training script, one run is not interrupted and others are killed
(SIGKILL) repeatedly: about 40 % of the time while a checkpoint is being written, 50 % at a random
step, 10 % during startup. All runs train a tiny model on the bundled sample and write a checkpoint
every few steps. They are forked from this process, which loads the libraries once.

Prints a JSON object and writes it to the file `--json`: "runs" and "kills" (with "during_a_write"
and "before_the_first_checkpoint"), "steps_lost_at_most" (steps repeated after a kill, to be
compared with "save_every_steps"), "lost_checkpoints", "largest_weight_difference" from the
uninterrupted run, and "runs_with_another_history" (of metrics). The exit status is 1 if a
checkpoint was lost, if too many steps were lost, or if weights or metrics differ.
"""

import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib.arguments import parser
from benchmarks.lib.killed_runs import (
    ROOT,
    ScriptProcess,
    is_half_written,
    largest_difference,
    last_logged_step,
    nearly_equal,
    timeless_metrics,
    training_state,
)
from benchmarks.lib.runs import flags

STAGES = {"pretraining": "train_bert_lm.py", "fine_tuning": "train_bert_fine_tuning.py"}
BACKBONES = ("text_cnn", "transformer")
SAVE_EVERY = 3
TOLERANCE = 1e-6


def main() -> int:
    """Runs the test and returns the exit status."""
    options = parser(__doc__, data="none")
    options.add_argument("--kills", type=int, default=52, help="number of kills")
    options.add_argument("--seed", type=int, default=1, help="seed of the moments of the kills")
    options.add_argument("--folder", type=Path, help="for checkpoints; default: a temporary one")
    options.add_argument(
        "--json", type=Path, default=Path("crash_test.json"), help="file for the results"
    )
    arguments = options.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="crash-test-"))
    began = time.monotonic()
    try:
        found = crash_test(folder, kills=arguments.kills, seed=arguments.seed)
    finally:
        if not arguments.folder:
            shutil.rmtree(folder, ignore_errors=True)
    found["seconds"] = round(time.monotonic() - began)
    text = json.dumps(found, indent=2)
    arguments.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if holds(found) else 1


def holds(found: dict[str, Any]) -> bool:
    """Whether the results fulfil the guarantees of docs/reliability.md."""
    return (
        found["lost_checkpoints"] == 0
        and found["steps_lost_at_most"] <= found["save_every_steps"]
        and found["largest_weight_difference"] <= TOLERANCE
        and found["runs_with_another_history"] == 0
    )


def crash_test(
    folder: Path,
    *,
    kills: int,
    seed: int,
    backbones: Sequence[str] = BACKBONES,
    stages: Sequence[str] = tuple(STAGES),
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Runs the test.

    Args:
        folder: for all output.
        kills: the total number of kills, divided among backbones and stages.
        seed: the seed of the moments of the kills.
        backbones: the backbones to test.
        stages: keys of `STAGES` to test.
        options: further options of every run.

    Returns:
        The JSON object that is printed.
    """
    from training.command_line import quiet_libraries

    quiet_libraries()
    folder.mkdir(parents=True, exist_ok=True)
    choose = random.Random(seed)
    pairs = [(backbone, stage) for backbone in backbones for stage in stages]
    tests = []
    for number, (backbone, stage) in enumerate(pairs):
        share = (kills * (number + 1)) // len(pairs) - (kills * number) // len(pairs)
        test = _Test(folder / backbone, backbone, stage, options, choose)
        test.run(share)
        tests.append(test)
    return {
        "runs": sum(test.runs for test in tests),
        "kills": sum(test.killed for test in tests),
        "kills_during_a_write": sum(test.in_write for test in tests),
        "kills_before_the_first_checkpoint": sum(test.before_first for test in tests),
        "save_every_steps": SAVE_EVERY,
        "steps_lost_at_most": max(test.steps_lost for test in tests),
        "lost_checkpoints": sum(test.lost_checkpoints for test in tests),
        "largest_weight_difference": max(test.difference for test in tests),
        "runs_with_another_history": sum(test.other_histories for test in tests),
    }


class _Test:
    """The test of one backbone and one stage: an uninterrupted run, and runs that are killed."""

    def __init__(
        self,
        folder: Path,
        backbone: str,
        stage: str,
        options: Sequence[str],
        choose: random.Random,
    ) -> None:
        self._folder, self._backbone, self._stage = folder, backbone, stage
        self._options, self._choose = options, choose
        self.runs = self.killed = self.in_write = self.before_first = 0
        self.steps_lost = self.lost_checkpoints = self.other_histories = 0
        self.difference = 0.0

    def run(self, kills: int) -> None:
        """Kills `kills` times, in as many runs as needed, and compares the results of each run."""
        alone = self._folder / self._stage
        self._start(alone).finish()
        while self.killed < kills:
            self.runs += 1
            folder = self._folder / f"{self._stage}_killed_{self.runs}"
            self._kill_until(folder, kills)
            self._start(folder).finish()
            self._compare(folder, alone)

    def _start(self, folder: Path) -> ScriptProcess:
        arguments = [STAGES[self._stage], *self._flags(folder), *self._options]
        return ScriptProcess(arguments, folder.with_name(f"{folder.name}.log"))

    def _flags(self, folder: Path) -> list[str]:
        sample = ROOT / "data"
        options: dict[str, Any] = {
            "data_path": self._folder / "data",
            "process_num": 1,
            "batch_size": 32,
            "save_every_steps": SAVE_EVERY,
        }
        if self._stage == "pretraining":
            options |= {
                "mask_lm_source_file": sample / "sample_train.txt",
                "ckpt_dir": folder,
                "backbone": self._backbone,
                "preset": "tiny",
                "max_position": 64,
                "sequence_length_lm": 64,
                "num_epochs": 3,
            }
            if self._backbone == "transformer":
                options["num_layer"] = 1
        else:
            options |= {
                "training_data_file": sample / "sample_train.txt",
                "valid_data_file": sample / "sample_valid.txt",
                "test_data_file": sample / "sample_test.txt",
                "ckpt_dir": self._folder / "pretraining",
                "ckpt_dir_save": folder,
                "sequence_length": 64,
                "num_epochs": 5,
            }
        return flags(options)

    def _kill_until(self, folder: Path, kills: int) -> None:
        """Kills and resumes a run until there were enough kills or the run finishes."""
        total = training_state(self._folder / self._stage)["step"]
        while self.killed < kills:
            moment = self._choose.choices(["write", "step", "start"], [4, 5, 1])[0]
            before = training_state(folder).get("step", 0)
            ahead = self._choose.randint(0, max(1, 2 * total // max(1, kills)))
            delay = self._choose.random()
            process = self._start(folder)
            try:
                due = self._due(moment, folder, before + ahead, delay)
                while not due():
                    if process.has_ended():
                        process.finish()
                        return
                    time.sleep(0.002)
            finally:
                process.kill()
            self.killed += 1
            self._inspect(folder, before)

    def _due(self, moment: str, folder: Path, step: int, delay: float) -> Callable[[], bool]:
        """Returns a function that tells when it is time to kill."""
        began = time.monotonic()
        if moment == "start":
            return lambda: time.monotonic() - began > 8 * delay
        reached: list[float] = []

        def due() -> bool:
            if not reached and last_logged_step(folder) >= step:
                reached.append(time.monotonic())
            if not reached:
                return False
            if moment == "write":
                return is_half_written(folder)
            return time.monotonic() - reached[0] > 0.3 * delay

        return due

    def _inspect(self, folder: Path, before: int) -> None:
        """Inspects the checkpoints of a killed run, which was resumed from the step `before`."""
        from common.errors import CheckpointError
        from models.checkpoints.folder import read_checkpoint

        half_written, state = is_half_written(folder), training_state(folder)
        step, reached = state.get("step", 0), last_logged_step(folder)
        self.in_write += half_written
        self.before_first += not state
        there = {folder / "last": before > 0, folder: state.get("epoch", 0) > 1}
        for place in (place for place, expected in there.items() if expected):
            try:
                read_checkpoint(place)
            except CheckpointError as error:
                print(f"lost: {error}", file=sys.stderr)
                self.lost_checkpoints += 1
        self.lost_checkpoints += step < before
        self.steps_lost = max(self.steps_lost, reached - step)
        print(
            f"{self._backbone} {self._stage}: kill {self.killed}"
            f"{' during a write' if half_written else ''}, last checkpoint at step {step}, "
            f"previously at step {before}",
            file=sys.stderr,
            flush=True,
        )

    def _compare(self, folder: Path, alone: Path) -> None:
        names = ("model.weights.h5", "last/model.weights.h5", "last/optimizer.h5")
        differences = [largest_difference(folder / name, alone / name) for name in names]
        self.difference = max(self.difference, *differences)
        self.other_histories += not nearly_equal(timeless_metrics(folder), timeless_metrics(alone))


if __name__ == "__main__":
    sys.exit(main())
