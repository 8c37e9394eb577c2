"""How time and memory grow with the text: 1, 3 and 10 times the corpus, and a long file to label.

    python -m benchmarks.memory --data=DATA --ckpt_dir=checkpoint_lm_save [--lines=100000]
        [--input=cail2018/test.json]

Pre-processing: step 1's, of CAIL2018 and the legal corpus, written out 1, 3 and 10 times. The
copies bring no new words, so what a table of more distinct words would take is not seen here.
Prediction: `predict.py` over the lines of `--input`, repeated up to `--lines`. Each run is a
process of its own; memory is the peak of it and its children together. Time is the clock's: run it
alone on the machine.
"""

import argparse
import itertools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measuring import parser, peak_of, report

SOURCES = ("cail2018/train.json", "legal_corpus/train.txt")
TIMES = (1, 3, 10)


def main() -> None:
    """Runs every size and prints both tables."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--ckpt_dir", type=Path, help="a classifier; none: no prediction")
    options.add_argument("--input", default="cail2018/test.json", help="lines to label, in DATA")
    options.add_argument("--lines", type=int, default=100_000, help="of the longest file to label")
    options.add_argument("--processes", type=int, default=0, help="that read text; 0: all cores")
    options.add_argument("--prepare", nargs=3, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.prepare:
        # The process that is watched; it is started anew for each size.
        from data_util.pretraining_data import prepare_pretraining_data
        from data_util.tokenizers import make_tokenizer

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
        tables["Pre-processing"] = [
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
    """A row: the corpus `times` times."""
    paths = []
    for source in SOURCES:
        path = folder / f"{times}_{Path(source).name}"
        text = arguments.data / source
        with path.open("wb") as target:
            for _ in range(times):
                if arguments.test_mode:
                    with text.open("rb") as lines:
                        target.writelines(itertools.islice(lines, 50))
                else:
                    with text.open("rb") as lines:
                        shutil.copyfileobj(lines, target)
        paths.append(path)
    cache = folder / "cache"
    command = [sys.executable, "-m", "benchmarks.memory", "--prepare"]
    figures = peak_of([*command, ",".join(map(str, paths)), str(cache), str(arguments.processes)])
    size = sum(path.stat().st_size for path in paths)
    for path in paths:
        path.unlink()
    shutil.rmtree(cache)
    return {
        "times": times,
        "text_mb": size / 1e6,
        "seconds": figures["seconds"],
        "seconds_a_time": figures["seconds"] / times,
        "peak_mb": figures["peak_mb"],
    }


def prediction(arguments: Any, folder: Path, lines: int) -> dict[str, Any]:
    """A row: a file of so many lines."""
    path = folder / Path(arguments.input).name
    with (arguments.data / arguments.input).open("rb") as source:
        some = source.readlines()
    with path.open("wb") as target:
        target.writelines(itertools.islice(itertools.cycle(some), lines))
    figures = peak_of(
        [
            sys.executable,
            "predict.py",
            f"--ckpt_dir={arguments.ckpt_dir}",
            f"--input={path}",
            f"--output={folder / 'labels.jsonl'}",
        ]
    )
    return {
        "lines": lines,
        "seconds": figures["seconds"],
        "ms_a_line": figures["seconds"] / lines * 1000,
        "peak_mb": figures["peak_mb"],
    }


if __name__ == "__main__":
    main()
