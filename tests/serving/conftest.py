"""A running service, as a process of its own, and what asks it: a client, a browser."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

for package in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    pytest.importorskip(package, reason=f"{package} is not installed")

ROOT = Path(__file__).parents[2]


@contextmanager
def run_service(checkpoint, log, *options):
    """Starts `serve.py` on a free port: (its address, its process)."""
    command = [sys.executable, str(ROOT / "serve.py"), f"--ckpt_dir={checkpoint}", "--port=0"]
    # JAX sets it for TensorFlow's sake when a test imports it; a user's environment has none.
    environment = {
        name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, *options], stdout=file, stderr=file, cwd=log.parent, env=environment
        )
    try:
        for _ in range(3000):
            found = re.search(r"listening on (http://\S+)", log.read_text(encoding="utf-8"))
            if found or process.poll() is not None:
                break
            time.sleep(0.1)
        assert found, log.read_text(encoding="utf-8")
        yield found[1], process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def service():
    """Gives the context manager that starts a service."""
    return run_service


@pytest.fixture(scope="session")
def running(run_of, tmp_path_factory):
    """A service with low limits: (address, file with its log)."""
    log = tmp_path_factory.mktemp("service") / "log.txt"
    options = ("--max_body_bytes=50000", "--max_texts=8", "--max_characters=200")
    with run_service(run_of().fine_tuned, log, *options, "--read_timeout=4") as (address, _):
        yield address, log


@pytest.fixture(scope="session")
def running_on_pairs(fine_tuned_on_pairs, tmp_path_factory):
    """A service that labels pairs of texts: (address, file with its log)."""
    log = tmp_path_factory.mktemp("service_of_pairs") / "log.txt"
    with run_service(fine_tuned_on_pairs, log, "--max_characters=200") as (address, _):
        yield address, log


@pytest.fixture
def client(running):
    import httpx

    with httpx.Client(base_url=running[0], timeout=60) as client:
        yield client


@pytest.fixture
def pair_predictor():
    from tests.serving.toy_app import ToyPredictor

    return ToyPredictor(pairs=True)
