"""The short form of `make crash-test`: real processes that are really killed."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.crash_test import holds

ROOT = Path(__file__).parents[2]


def test_killed_processes_lose_nothing(tmp_path):
    # In a process of its own, as it forks and this one has threads.
    code = (
        "import json, sys; from pathlib import Path; from benchmarks.crash_test import crash_test\n"
        "figures = crash_test(Path(sys.argv[1]), kills=2, seed=3, backbones=['transformer'],\n"
        "    stages=['pretraining'], options=['--d_model=16', '--num_header=2',\n"
        "    '--objectives=masked_lm', '--num_epochs=2'])\n"
        "print(json.dumps(figures))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["kills"] == 2
    assert holds(figures), figures


def test_a_loss_is_a_failure():
    good = {
        "lost_checkpoints": 0,
        "steps_lost_at_most": 3,
        "save_every_steps": 3,
        "largest_weight_difference": 0.0,
        "runs_with_another_history": 0,
    }
    assert holds(good)
    for name, value in (
        ("lost_checkpoints", 1),
        ("steps_lost_at_most", 4),
        ("largest_weight_difference", 1e-3),
        ("runs_with_another_history", 1),
    ):
        assert not holds({**good, name: value})
