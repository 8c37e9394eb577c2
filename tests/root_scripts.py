"""The root scripts as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHATTER = (
    "WARNING:",
    "UserWarning",
    "DeprecationWarning",
    "absl",
    "oneDNN",
    "Traceback",
    "0000 00:00:",
)


def flags_of(values):
    """Options as a command line has them."""
    flags = []
    for name, value in values.items():
        text = ",".join(value) if isinstance(value, list) else str(value)
        flags.append(f"--{name}={text}")
    return flags


def process(name, *arguments, cwd, stdin="", **environment):
    """Runs a root script as a user does; or Python with `-c`."""
    inherited = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, name if name == "-c" else str(ROOT / name), *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env={**inherited, **environment},
    )
