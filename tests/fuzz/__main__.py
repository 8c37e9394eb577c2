"""Runs fuzz targets: `python -m tests.fuzz [TARGET ...] [--seconds=60]`.

Each target runs in a process of its own. Inputs that are kept for good are in
tests/fuzz/corpus/TARGET/; what a run learns goes to a temporary folder, an input that breaks
something to tests/fuzz/crashes/.
"""

import argparse
import importlib
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = (
    *("lines", "files", "examples", "entities", "passages", "checked"),
    *("vocabulary", "configuration", "caches", "weights"),
)
FOLDER = Path(__file__).parent
MEMORY_MB = 1500  # of the whole process; the libraries alone take a few hundred


def main() -> int:
    """Runs the targets one after another; the exit status of the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="a target (default: %(default)s)")
    parser.add_argument("--in_this_process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    targets = options.targets or TARGETS
    if unknown := sorted(set(targets) - set(TARGETS)):
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if options.in_this_process:
        _fuzz(targets[0], options.seconds)
    for target in targets:
        print(f"{target}: {options.seconds} s", flush=True)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz",
                target,
                f"--seconds={options.seconds}",
                "--in_this_process",
            ],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        if done.returncode:
            print(f"{target}: failed; the input is in {FOLDER / 'crashes'}", file=sys.stderr)
            return done.returncode
    return 0


def _fuzz(target: str, seconds: int) -> None:
    """Does not return: libFuzzer ends the process."""
    try:
        import atheris
    except ImportError:
        sys.exit("fuzzing needs atheris: pip install atheris")
    # Before the code is imported, so that it tells the fuzzer which branches it takes.
    with atheris.instrument_imports(include=["common", "data_util", "models", "tasks"]):
        module = importlib.import_module(f"tests.fuzz.{target}")
    logging.getLogger("data_util").setLevel(logging.CRITICAL)
    crashes = FOLDER / "crashes"
    crashes.mkdir(exist_ok=True)
    learned = tempfile.mkdtemp(prefix=f"fuzz-{target}-")
    corpus = FOLDER / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    if hasattr(module, "seeds"):
        for number, seed in enumerate(module.seeds()):
            (Path(learned) / f"seed-{number}").write_bytes(seed)
    arguments = [
        f"tests.fuzz.{target}",
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEMORY_MB}",
        "-timeout=10",
        "-print_final_stats=1",
        "-verbosity=0",
        f"-artifact_prefix={crashes}/{target}-",
        f"-dict={FOLDER / 'words' / target}.txt",
        learned,
        str(corpus),
    ]
    if not Path(FOLDER / "words" / f"{target}.txt").exists():
        arguments = [argument for argument in arguments if not argument.startswith("-dict")]
    atheris.Setup(arguments, module.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
