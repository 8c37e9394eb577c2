"""Measures time and memory of windowed attention against full attention.

    python -m benchmarks.attention_window [--window=512] [--lengths=512,1024,2048,4096]
        [--tokens=8192] [--preset=small] [--rounds=3] [--out=benchmark_results]

A Transformer without and with `attention_window` computes its output and the gradients of all
weights for a batch of random tokens: as many sequences of each length as `--tokens` has. Time is
measured in this process, both sides in turn; memory in a process of its own for each side, which
computes the same once.

Columns: tokens per second of processor time with full and with windowed attention; how many times
as fast the windows are (the median of the rounds' ratios); and the peak memory of both processes.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.lib.measuring import in_turn, peak_of, report, summary
from models.presets import PRESETS
from training.command_line import quiet_libraries


def main() -> None:
    """Measures every length and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--window", type=int, default=512, help="of the windowed attention")
    parser.add_argument("--lengths", default="512,1024,2048,4096", help="tokens per sequence")
    parser.add_argument("--tokens", type=int, default=8192, help="tokens per batch")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="small")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--out", type=Path, default=Path("benchmark_results"), help="for the JSON")
    parser.add_argument(
        "--test_mode", action="store_true", help="a smoke run: its times say nothing"
    )
    parser.add_argument("--once", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.test_mode:
        arguments.window, arguments.lengths, arguments.tokens = 4, "8,16", 16
        arguments.preset, arguments.rounds = "tiny", 1
    quiet_libraries()
    if arguments.once:  # This is a process whose memory is measured.
        length, window = arguments.once
        step(arguments.preset, window, length, arguments.tokens)()
        return
    lengths = map(int, arguments.lengths.split(","))
    rows = [measure(arguments, length) for length in lengths]
    report("attention_window", arguments, {f"Windows of {arguments.window}": rows})


def measure(arguments: argparse.Namespace, length: int) -> dict[str, Any]:
    """Measures both sides at a length: a row of the table."""
    preset, tokens = arguments.preset, arguments.tokens
    windows = {"windowed": arguments.window, "full": 0}
    sides = {name: step(preset, window, length, tokens) for name, window in windows.items()}
    windowed, full = summary(in_turn(sides, arguments.rounds), "windowed")
    command = [sys.executable, "-m", "benchmarks.attention_window"]
    command += [f"--preset={preset}", f"--tokens={tokens}", "--once", str(length)]
    peaks = {name: peak_of([*command, str(window)])["peak_mb"] for name, window in windows.items()}
    return {
        "length": length,
        "full_per_cpu_second": full["per_cpu_second"],
        "windowed_per_cpu_second": windowed["per_cpu_second"],
        "times_as_fast": full["ours_times_as_fast"],
        "full_peak_mb": peaks["full"],
        "windowed_peak_mb": peaks["windowed"],
    }


def step(preset: str, window: int, length: int, tokens: int) -> Callable[[], float]:
    """Builds a Transformer; the result computes output and gradients, and returns the tokens."""
    import numpy as np
    import tensorflow as tf

    from models.backbones.base import make_backbone
    from models.build import build
    from models.presets import backbone_config

    config = backbone_config(
        "transformer", preset, 1000, attention_window=window, max_position=length
    )
    backbone, rows = build(make_backbone(config)), max(1, tokens // length)
    ids = np.random.default_rng(0).integers(0, 1000, (rows, length)).astype(np.int32)
    batch = {
        "token_ids": tf.constant(ids),
        "segment_ids": tf.zeros_like(ids),
        "padding_mask": tf.ones(ids.shape, bool),
    }

    @tf.function(autograph=False)
    def gradients() -> Any:
        with tf.GradientTape() as tape:
            output = backbone(batch, training=True)["sequence_output"]
            loss = tf.reduce_sum(output**2)
        weights = [variable.value for variable in backbone.trainable_variables]
        found = tape.gradient(loss, weights, unconnected_gradients="zero")
        return [tf.reduce_sum(tf.convert_to_tensor(one)) for one in found]

    def work() -> float:
        for one in gradients():
            one.numpy()
        return rows * length

    return work


if __name__ == "__main__":
    main()
