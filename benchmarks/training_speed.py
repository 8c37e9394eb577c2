"""Measures the speed of training steps, compared with transformers, KerasHub and plain Keras.

    python -m benchmarks.training_speed --data=DATA [--rounds=5] [--steps=20]
    KERAS_BACKEND=jax python -m benchmarks.training_speed --data=DATA --ours_only \
        --preset=big --precision=mixed_bfloat16 --batch_size=256

All networks have the same shape (2 layers, d_model 128, 2 heads, feed-forward 512; the TextCNN has
128 filters of each size). A step has 64 documents of CAIL2018 of up to 200 tokens.

Prints Markdown tables. One per workload, with one row per side: documents (for masked LM: tokens
other than padding) per second of processor time ("per cpu second") and of wall time; how many times
as fast this project is; and "waste", the fraction of positions that are padding. Then the
milliseconds of each part of our step, and a roofline: the fraction of the machine's rate of matrix
products that our step reaches. Freed memory is kept, as in training; with `--return_memory` it is
not, as in a program that does not ask for it. On a GPU, processor time is not meaningful: use "per
second", with `--ours_only`.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import speed_parser
from benchmarks.lib.measuring import in_turn, needed, report, summary
from benchmarks.lib.peers import KerasPeer, Shape, Torch
from models.presets import PRESETS

INSTALL = 'pip install ".[benchmarks]" -r requirements-torch.txt'


def main() -> None:
    """Measures every workload and prints the tables."""
    options = speed_parser(__doc__)
    options.add_argument("--steps", type=int, default=20, help="steps of each side in a round")
    options.add_argument("--batch_size", type=int, default=64)
    options.add_argument("--sequence_length", type=int, default=200)
    options.add_argument(
        "--documents", type=int, default=None, help="documents of CAIL2018; default: all"
    )
    options.add_argument(
        "--preset", choices=tuple(PRESETS), help="our network's preset; default: the peers' shape"
    )
    options.add_argument("--precision", default="float32", help="Keras' dtype policy")
    options.add_argument(
        "--return_memory", action="store_true", help="give freed memory back to the system"
    )
    options.add_argument("--ours_only", action="store_true", help="measure only this project")
    options.add_argument("--only", default="", help="only workloads whose title contains this")
    arguments = options.parse_args()
    if arguments.test_mode:
        arguments.documents, arguments.rounds, arguments.steps = 40, 1, 1
        arguments.batch_size, arguments.sequence_length = 8, 64
        arguments.preset = "tiny"
    if not arguments.ours_only:
        for module in ("torch", "transformers", "keras_hub"):
            needed(module, INSTALL)
    from training.command_line import quiet_libraries
    from training.devices.memory import keep_freed_memory

    quiet_libraries()
    if not arguments.return_memory:
        keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        tables = measure(arguments, Path(folder))
    report("training_speed", arguments, tables)


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, list[dict]]:
    """Measures all workloads and returns the tables by title."""
    import keras

    from benchmarks.lib.our_steps import DEFAULT_HEADS, Data, OurSteps
    from benchmarks.lib.step_profile import input_ms, matmul_rate, operations, parts

    keras.config.set_dtype_policy(arguments.precision)
    data = Data(arguments, folder)
    shape = Shape(
        len(data.vocabulary),
        len(data.labels),
        sequence_length=arguments.sequence_length,
        batch_size=arguments.batch_size,
        steps=arguments.steps,
    )
    documents, targets = data.documents, data.targets
    peers: dict[str, dict[str, Callable[[], Any]]] = {
        "TextCNN, fine-tuning": {
            "plain Keras": lambda: KerasPeer(shape, documents, targets, "plain"),
        },
        "Transformer, fine-tuning": {
            "transformers": lambda: Torch(shape, documents, targets),
            "KerasHub": lambda: KerasPeer(shape, documents, targets),
        },
        "Transformer, masked LM": {
            "transformers": lambda: Torch(shape, documents, None),
            "KerasHub": lambda: KerasPeer(shape, documents, None),
        },
    }
    product = matmul_rate(
        256 if arguments.test_mode else 2048,
        precision="bfloat16" if "bfloat16" in arguments.precision else "float32",
    )
    tables, rooflines, profiles = {}, [], []
    for title, others in peers.items():
        if arguments.only not in title:
            continue
        backbone = "text_cnn" if title.startswith("TextCNN") else "transformer"
        stage = "masked_lm" if title.endswith("masked LM") else "fine_tuning"
        head = "masked_lm" if stage == "masked_lm" else DEFAULT_HEADS[backbone]
        ours = OurSteps(arguments, data, backbone, head)
        sides = {"ours": ours}
        if not arguments.ours_only:
            sides |= {name: make() for name, make in others.items()}
        samples = in_turn({name: side.work for name, side in sides.items()}, arguments.rounds)
        unit = "tokens" if stage == "masked_lm" else "documents"
        rows = summary(samples, "ours")
        for row in rows:
            row["waste"] = sides[row["side"]].input.waste
        tables[f"{title}: {unit} per second"] = rows

        batch = ours.median_batch()
        inputs = batch[0] if isinstance(batch, tuple) else batch
        classes = shape.vocab_size if stage == "masked_lm" else shape.num_labels
        work = operations(ours.config, inputs, head, classes)
        profile = {"input": input_ms(lambda: ours.batches(0), 20)}  # noqa: B023
        if keras.backend.backend() == "tensorflow":
            profile |= parts(ours.model, batch, 1 if arguments.test_mode else 15)
            profiles.append({"step": title, **{f"{key}_ms": v for key, v in profile.items()}})
            rate = work / (profile["step"] / 1000)
        else:
            per_second = [one.wall / arguments.steps for one in samples["ours"]]
            rate = ours.operations_per_step(head, classes) / float(np.median(per_second))
        rooflines.append(
            {
                "step": title,
                "matrix_product_gflops": product / 1e9,
                "step_gflop": work / 1e9,
                "reached_gflops": rate / 1e9,
                "fraction": rate / product,
            }
        )
    if profiles:
        tables["Where the time of a step goes"] = profiles
    tables["Roofline"] = rooflines
    return tables


if __name__ == "__main__":
    main()
