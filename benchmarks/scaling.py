"""Predicts the speed of training on several devices with the cost model of the documentation.

    python -m benchmarks.scaling --data=DATA --bandwidth=1.25e9 --latency=5e-5 [--rows=1024]

Measures training steps on CAIL2018 with one device at several batch sizes and fits
`c0 + c1 * positions` to them, measures the time to prepare a row, and counts the bytes of the
gradients. From this it predicts the step on 1, 2, 16 and 100 devices, one per host, that share
batches of `--rows` rows. Bandwidth and latency are those of the network between the hosts, which
this command cannot measure.

Prints three Markdown tables: the measured steps (rows and positions per batch, milliseconds per
step), the fitted costs (see `Costs`), and the prediction: milliseconds of computation, all-reduce
and input, and of the whole step; rows per second; and the share of the ideal, linear speed-up.
"""

import argparse
import dataclasses
import itertools
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.lib.arguments import speed_parser
from benchmarks.lib.measuring import report
from models.presets import PRESETS

DEVICES = (1, 2, 16, 100)


@dataclasses.dataclass(frozen=True)
class Costs:
    """The quantities of the cost model.

    Attributes:
        step: seconds of a step without rows (c0).
        position: seconds per position, token or padding, on one device (c1).
        row: seconds to prepare a row (d).
        gradient_bytes: the size of all gradients in bytes (P).
        bandwidth: bytes per second between hosts (B).
        latency: seconds of the smallest message (l).
    """

    step: float
    position: float
    row: float
    gradient_bytes: float
    bandwidth: float
    latency: float

    def compute(self, rows: int, length: float, devices: int) -> float:
        """Seconds of the computation of a step."""
        return self.step + self.position * rows * length / devices

    def all_reduce(self, devices: int) -> float:
        """Seconds to sum the gradients in a ring (Patarasuk & Yuan 2009)."""
        moved = 2 * (devices - 1) / devices * self.gradient_bytes / self.bandwidth
        return moved + 2 * (devices - 1) * self.latency

    def total(self, rows: int, length: float, devices: int) -> float:
        """Seconds of a step; the input is prepared in parallel."""
        return max(self.row * rows, self.compute(rows, length, devices) + self.all_reduce(devices))


def least_squares(positions: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """Fits a line by least squares; returns its intercept, at least 0, and its slope."""
    slope, intercept = np.polyfit(positions, seconds, 1)
    if intercept < 0:
        intercept, slope = 0.0, float(np.dot(positions, seconds) / np.dot(positions, positions))
    return float(intercept), float(slope)


def predicted(costs: Costs, rows: int, length: float) -> list[dict[str, float]]:
    """A row of the table for each number of devices."""
    one = costs.total(rows, length, 1)
    table = []
    for devices in DEVICES:
        step = costs.total(rows, length, devices)
        table.append(
            {
                "devices": devices,
                "compute_ms": 1000 * costs.compute(rows, length, devices),
                "all_reduce_ms": 1000 * costs.all_reduce(devices),
                "input_ms": 1000 * costs.row * rows,
                "step_ms": 1000 * step,
                "rows_per_second": rows / step,
                "share_of_ideal": one / step / devices,
            }
        )
    return table


def main() -> None:
    """Measures, fits and prints."""
    options = speed_parser(__doc__)
    options.add_argument("--bandwidth", type=float, required=True, help="bytes per second")
    options.add_argument("--latency", type=float, required=True, help="seconds")
    options.add_argument("--rows", type=int, default=1024, help="rows of a batch, over all devices")
    options.add_argument("--backbone", choices=("text_cnn", "transformer"), default="transformer")
    options.add_argument("--stage", choices=("masked_lm", "fine_tuning"), default="masked_lm")
    options.add_argument("--preset", choices=tuple(PRESETS), default="small")
    options.add_argument("--precision", default="float32")
    options.add_argument("--sizes", default="16,64,128", help="batch sizes to measure")
    options.add_argument("--sequence_length", type=int, default=256)
    options.add_argument("--documents", type=int, default=None)
    options.add_argument("--steps", type=int, default=5, help="steps per batch size in a round")
    arguments = options.parse_args()
    if arguments.test_mode:
        arguments.documents, arguments.rounds, arguments.steps = 40, 1, 1
        arguments.sizes, arguments.preset, arguments.sequence_length = "2,4", "tiny", 64
    from training.command_line import quiet_libraries

    quiet_libraries()
    with tempfile.TemporaryDirectory() as folder:
        costs, length, measured = fitted(arguments, Path(folder))
    report(
        "scaling",
        arguments,
        {
            "Steps of one device": measured,
            "Fitted": [dataclasses.asdict(costs)],
            f"Predicted, batches of {arguments.rows:,} rows": predicted(
                costs, arguments.rows, length
            ),
        },
    )


def fitted(
    arguments: argparse.Namespace, folder: Path
) -> tuple[Costs, float, list[dict[str, float]]]:
    """Measures; returns the costs, the mean length of a row, and the table of measured steps."""
    import keras

    from benchmarks.lib.our_steps import DEFAULT_HEADS, Data, OurSteps

    keras.config.set_dtype_policy(arguments.precision)
    data = Data(arguments, folder)
    masked = arguments.stage == "masked_lm"
    head = "masked_lm" if masked else DEFAULT_HEADS[arguments.backbone]
    models = {}
    for size in map(int, arguments.sizes.split(",")):
        arguments.batch_size = size
        models[size] = OurSteps(arguments, data, arguments.backbone, head)
        models[size].work()
    seconds: dict[int, list[float]] = {size: [] for size in models}
    positions: dict[int, list[float]] = {size: [] for size in models}
    for _, size in itertools.product(range(arguments.rounds), models):
        before, began = models[size].input.positions, time.perf_counter()
        models[size].work()
        seconds[size].append((time.perf_counter() - began) / arguments.steps)
        positions[size].append((models[size].input.positions - before) / arguments.steps)
    measured = [
        {
            "rows": size,
            "positions": statistics.mean(positions[size]),
            "step_ms": 1000 * statistics.median(seconds[size]),
        }
        for size in models
    ]
    step, position = least_squares(
        [one for size in models for one in positions[size]],
        [one for size in models for one in seconds[size]],
    )
    largest = models[max(models)]
    began = time.perf_counter()
    rows = sum(_rows(batch) for batch in itertools.islice(largest.batches(0), 20))
    row = (time.perf_counter() - began) / rows
    size = sum(int(np.prod(weight.shape)) for weight in largest.model.trainable_variables)
    length = statistics.mean(positions[max(models)]) / max(models)
    costs = Costs(step, position, row, 4.0 * size, arguments.bandwidth, arguments.latency)
    return costs, length, measured


def _rows(batch: object) -> int:
    inputs = batch[0] if isinstance(batch, tuple) else batch
    return len(inputs["token_ids"])  # type: ignore[index]


if __name__ == "__main__":
    main()
