"""Measures how time and memory grow with the amount of text.

    python -m benchmarks.memory --data=DATA --ckpt_dir=checkpoint_lm_save [--lines=100000]
        [--input=cail2018/test.json]

Preprocessing: prepares CAIL2018 and the legal corpus for pre-training, each repeated 1, 3 and 10
times. (The copies contain no new words, so the growth of the word table is not measured.)
Prediction: `predict.py` with 10, 30 and 100 % of `--lines` lines, repeated from `--input`. Each
measurement is a process of its own, timed by wall time: run the command on an idle machine.

Prints two Markdown tables. Columns: the number of repetitions and the size of the text, or the
number of lines; seconds in total and per repetition, or milliseconds per line; and "peak mb", the
peak memory of the process and its children together.
"""

import argparse
import itertools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.lib.arguments import speed_parser
from benchmarks.lib.measuring import peak_of, report
from benchmarks.lib.runs import flags

SOURCES = ("cail2018/train.json", "legal_corpus/train.txt")
TIMES = (1, 3, 10)


def main() -> None:
    """Runs every size and prints both tables."""
    options = speed_parser(__doc__)
    options.add_argument("--ckpt_dir", type=Path, help="a classifier; default: no prediction")
    options.add_argument("--input", default="cail2018/test.json", help="a file in DATA to label")
    options.add_argument("--lines", type=int, default=100_000, help="of the longest file")
    options.add_argument("--processes", type=int, default=0, help="that read text; 0: all cores")
    options.add_argument("--prepare", nargs=3, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.prepare:
        # This is the process that is measured, a new one for each size.
        from data_util.pretraining.build_corpus import prepare_pretraining_data
        from data_util.tokens.tokenizers import make_tokenizer

        paths, cache, processes = arguments.prepare
        prepare_pretraining_data(
            paths.split(","),
            make_tokenizer("word"),
            cache_folder=cache,
            processes=int(processes),
        )
        return
    tables = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables["Preprocessing"] = [
            preprocessing(arguments, folder, times)
            for times in (TIMES[:2] if arguments.test_mode else TIMES)
        ]
        if arguments.ckpt_dir:
            lines = 200 if arguments.test_mode else arguments.lines
            tables["Prediction"] = [
                prediction(arguments, folder, max(1, lines * times // TIMES[-1]))
                for times in (TIMES[-1:] if arguments.test_mode else TIMES)
            ]
    report("memory", arguments, tables)


def preprocessing(arguments: Any, folder: Path, times: int) -> dict[str, Any]:
    """Measures the preprocessing of the corpus, repeated `times` times: a row of the table."""
    paths = []
    for source in SOURCES:
        path = folder / f"{times}_{Path(source).name}"
        with path.open("wb") as target:
            for _ in range(times):
                with (arguments.data / source).open("rb") as lines:
                    target.writelines(itertools.islice(lines, 50 if arguments.test_mode else None))
        paths.append(path)
    cache = folder / "cache"
    command = [sys.executable, "-m", "benchmarks.memory", "--data=", "--prepare"]
    used = peak_of([*command, ",".join(map(str, paths)), str(cache), str(arguments.processes)])
    size = sum(path.stat().st_size for path in paths)
    for path in paths:
        path.unlink()
    shutil.rmtree(cache)
    return {
        "times": times,
        "text_mb": size / 1e6,
        "seconds": used["seconds"],
        "seconds_per_time": used["seconds"] / times,
        "peak_mb": used["peak_mb"],
    }


def prediction(arguments: Any, folder: Path, lines: int) -> dict[str, Any]:
    """Measures `predict.py` on a file of `lines` lines: a row of the table."""
    path = folder / Path(arguments.input).name
    with (arguments.data / arguments.input).open("rb") as source:
        some = source.readlines()
    with path.open("wb") as target:
        target.writelines(itertools.islice(itertools.cycle(some), lines))
    options = {
        "ckpt_dir": arguments.ckpt_dir,
        "input": path,
        "output": folder / "labels.jsonl",
    }
    used = peak_of([sys.executable, "predict.py", *flags(options)])
    return {
        "lines": lines,
        "seconds": used["seconds"],
        "ms_per_line": used["seconds"] / lines * 1000,
        "peak_mb": used["peak_mb"],
    }


if __name__ == "__main__":
    main()
