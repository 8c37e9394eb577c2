"""Kills runs of both steps at random moments, lets them go on, and compares what they end with.

    python -m benchmarks.crash_test [--kills=52] [--folder=...] [--json=crash_test.json]

For each backbone and each step, one run is left alone and another is killed (SIGKILL) again and
again: two in five times while a checkpoint is being written, most others at a random step, some
while it starts. Both run on the bundled sample, tiny, with a checkpoint every few steps. Prints
the figures and writes them as JSON; the exit status is 1 where a checkpoint was lost, more steps
than that were, or the weights differ.

The runs are forked from this process, which has loaded the libraries once for all of them.
"""

import argparse
import json
import os
import random
import runpy
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ROOT = Path(__file__).parents[1]
STEPS = {"pretraining": "train_bert_lm.py", "fine_tuning": "train_bert_fine_tuning.py"}
BACKBONES = ("text_cnn", "transformer")
SAVE_EVERY = 3
TOLERANCE = 1e-6
_TIMELESS = ("seconds",)


def main() -> int:
    """Runs what is asked for; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=52)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--folder", type=Path, help="default: a temporary one, removed at the end")
    parser.add_argument("--json", type=Path, default=Path("crash_test.json"))
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="crash-test-"))
    began = time.monotonic()
    try:
        figures = crash_test(folder, kills=arguments.kills, seed=arguments.seed)
    finally:
        if not arguments.folder:
            shutil.rmtree(folder, ignore_errors=True)
    figures["seconds"] = round(time.monotonic() - began)
    text = json.dumps(figures, indent=2)
    arguments.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if holds(figures) else 1


def holds(figures: dict[str, Any]) -> bool:
    """Whether the figures are what docs/reliability.md promises."""
    return (
        figures["lost_checkpoints"] == 0
        and figures["steps_lost_at_most"] <= figures["save_every_steps"]
        and figures["largest_weight_difference"] <= TOLERANCE
        and figures["runs_with_another_history"] == 0
    )


def crash_test(
    folder: Path,
    *,
    kills: int,
    seed: int,
    backbones: Sequence[str] = BACKBONES,
    steps: Sequence[str] = tuple(STEPS),
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Kills `kills` times, shared out over backbones and steps.

    Args:
        folder: takes all that is written.
        kills: how many.
        seed: of the moments.
        backbones, steps: which.
        options: further options of every run.

    Returns:
        The figures, as they are printed.
    """
    from training.command_line import quiet_libraries

    quiet_libraries()
    folder.mkdir(parents=True, exist_ok=True)
    choose = random.Random(seed)
    pairs = [(backbone, step) for backbone in backbones for step in steps]
    tests = []
    for number, (backbone, step) in enumerate(pairs):
        share = (kills * (number + 1)) // len(pairs) - (kills * number) // len(pairs)
        test = _Test(folder / backbone, backbone, step, [*options], choose)
        try:
            test.run(share)
        finally:
            test.stop()
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
    """One backbone and one step: an unkilled run, and runs that are killed."""

    def __init__(
        self, folder: Path, backbone: str, step: str, options: list[str], choose: random.Random
    ) -> None:
        self._folder = folder
        self._backbone = backbone
        self._step = step
        self._options = options
        self._choose = choose
        self.runs = self.killed = self.in_write = self.before_first = 0
        self.steps_lost = self.lost_checkpoints = self.other_histories = 0
        self.difference = 0.0
        self._process = 0

    def stop(self) -> None:
        """Ends the process that is running, if one is."""
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            self._end()

    def run(self, kills: int) -> None:
        """Kills that often; as many runs as it takes, each of which is let go to its end."""
        unkilled = self._folder / self._step
        self._start(unkilled)
        if self._end() != 0:
            raise RuntimeError(f"the unkilled run failed: {_log(unkilled).read_text()}")
        while self.killed < kills:
            self.runs += 1
            folder = self._folder / f"{self._step}_killed_{self.runs}"
            self._kill_until(folder, kills)
            self._compare(folder, unkilled)

    def _start(self, folder: Path) -> None:
        arguments = [STEPS[self._step], *self._flags(folder), *self._options]
        self._process = _fork(arguments, _log(folder))

    def _end(self) -> int:
        """Waits for the process; its exit status."""
        process, self._process = self._process, 0
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def _flags(self, folder: Path) -> list[str]:
        common = [
            f"--data_path={self._folder / 'data'}",
            "--process_num=1",
            "--batch_size=32",
            f"--save_every_steps={SAVE_EVERY}",
        ]
        sample = ROOT / "data"
        if self._step == "pretraining":
            return [
                *common,
                f"--mask_lm_source_file={sample / 'sample_train.txt'}",
                f"--ckpt_dir={folder}",
                f"--backbone={self._backbone}",
                "--preset=tiny",
                "--max_position=64",
                "--sequence_length_lm=64",
                "--num_epochs=3",
                *(["--num_layer=1"] if self._backbone == "transformer" else []),
            ]
        return [
            *common,
            *(
                f"--{name}_data_file={sample / f'sample_{split}.txt'}"
                for name, split in (("training", "train"), ("valid", "valid"), ("test", "test"))
            ),
            f"--ckpt_dir={self._folder / 'pretraining'}",
            f"--ckpt_dir_save={folder}",
            "--sequence_length=64",
            "--num_epochs=5",
        ]

    def _kill_until(self, folder: Path, kills: int) -> None:
        total = _state(self._folder / self._step)["step"]
        while self.killed < kills:
            moment = self._choose.choices(["write", "step", "start"], [4, 5, 1])[0]
            before = _state(folder).get("step", 0)
            ahead = self._choose.randint(0, max(1, 2 * total // max(1, kills)))
            delay = self._choose.random()
            self._start(folder)
            if not self._wait(self._when(moment, folder, before + ahead, delay)):
                break  # It reached its end first.
            os.kill(self._process, signal.SIGKILL)
            self._end()
            self.killed += 1
            self._look_at(folder, before)
        self._start(folder)
        if self._end() != 0:
            raise RuntimeError(f"a run did not go on: {_log(folder).read_text()}")

    def _wait(self, due: Callable[[], bool]) -> bool:
        """Waits until it is time to kill; False where the process ended before."""
        while not due():
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, self._process, options) is not None:
                if self._end() != 0:
                    raise RuntimeError(
                        f"a run failed that was not killed: see {self._folder}/*.log"
                    )
                return False
            time.sleep(0.002)
        return True

    def _when(self, moment: str, folder: Path, step: int, delay: float) -> Callable[[], bool]:
        began = time.monotonic()
        if moment == "start":
            return lambda: time.monotonic() - began > 8 * delay
        reached: list[float] = []

        def due() -> bool:
            if not reached and _last_point(folder) >= step:
                reached.append(time.monotonic())
            if not reached:
                return False
            if moment == "write":
                return _half_written(folder)
            return time.monotonic() - reached[0] > 0.3 * delay

        return due

    def _look_at(self, folder: Path, before: int) -> None:
        """What a killed run left."""
        from common.errors import CheckpointError
        from models.checkpoints.folder import read_checkpoint

        half_written, state, reached = _half_written(folder), _state(folder), _last_point(folder)
        self.in_write += half_written
        self.before_first += not state
        for place, had in (
            (folder / "last", before > 0),
            (folder, bool(state.get("epoch", 0) > 1)),
        ):
            try:
                read_checkpoint(place)
            except CheckpointError as error:
                if had:
                    print(f"lost: {error}", file=sys.stderr)
                    self.lost_checkpoints += 1
        if state.get("step", 0) < before:
            self.lost_checkpoints += 1
        self.steps_lost = max(self.steps_lost, reached - state.get("step", 0))
        print(
            f"{self._backbone} {self._step}: kill {self.killed}"
            f"{' in a write' if half_written else ''}, the last checkpoint is of step "
            f"{state.get('step', 0)}; before it was of {before}",
            file=sys.stderr,
            flush=True,
        )

    def _compare(self, folder: Path, unkilled: Path) -> None:
        for name in ("model.weights.h5", "last/model.weights.h5", "last/optimizer.h5"):
            ours, theirs = _arrays(folder / name), _arrays(unkilled / name)
            if ours.keys() != theirs.keys():
                raise RuntimeError(f"{folder / name} has other arrays than {unkilled / name}")
            differences = [np.abs(ours[key] - theirs[key]).max(initial=0) for key in ours]
            self.difference = max(self.difference, *map(float, differences))
        self.other_histories += not _same_history(_metrics(folder), _metrics(unkilled))


def _fork(arguments: list[str], log: Path) -> int:
    log.parent.mkdir(parents=True, exist_ok=True)
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.argv = arguments
        runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(status)


def _log(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def _half_written(folder: Path) -> bool:
    for place in (folder, folder / "last"):
        if (place / ".complete").exists() or any(place.glob(".incoming-*")):
            return True
    return False


def _state(folder: Path) -> dict[str, Any]:
    """The training state of the checkpoint in `last/`; empty where there is none."""
    for place in (folder / "last" / ".complete", folder / "last"):
        try:
            return json.loads((place / "training_state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
    return {}


def _metrics(folder: Path) -> dict[str, Any]:
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for entry in metrics["history"]:
        for name in _TIMELESS:
            entry.pop(name)
    return metrics


def _same_history(ours: Any, theirs: Any) -> bool:
    """Whether figures are the same, but for the last digits of fractions."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            _same_history(ours[key], theirs[key]) for key in ours
        )
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same_history, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-5
    return bool(ours == theirs)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].astype(np.float64)

    with h5py.File(path, "r") as file:
        file.visititems(collect)
    return arrays


def _last_point(folder: Path) -> int:
    """The last step of which the newest event file tells, as far as it was written.

    A record is its length (uint64), a checksum of that (uint32), as many bytes, and a checksum
    (uint32); in them, field 2 of the protocol buffer `Event` is the step.
    """
    from tensorboard.compat.proto.event_pb2 import Event

    files = sorted(folder.glob("logs/*/train/events.*"))
    data = files[-1].read_bytes() if files else b""
    step, start = 0, 0
    while start + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        if start + 12 + length + 4 > len(data):
            break
        event = Event.FromString(data[start + 12 : start + 12 + length])
        if event.HasField("summary"):
            step = event.step
        start += 12 + length + 4
    return step


if __name__ == "__main__":
    sys.exit(main())
