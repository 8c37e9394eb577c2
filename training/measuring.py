"""Measures a model on the test examples, and tells the log what it gets wrong."""

import logging
from typing import Any

from tasks.evaluation import Evaluation, Findings
from training.loop.run_history import as_text

logger = logging.getLogger(__name__)


def measure(evaluation: Evaluation, note: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """Computes the metrics of the test examples and logs them.

    Args:
        evaluation: of the task.
        note: a few words for the log, such as which weights these are.

    Returns:
        The metrics with "examples", their number, and text files by name.
    """
    metrics, texts = evaluation.test()
    examples, unit = len(evaluation.data.batches["test"]), evaluation.task.unit
    logger.info("test (%s %s%s): %s", f"{examples:,}", unit, note, as_text(metrics))
    return {**metrics, "examples": examples}, texts


def tell(evaluation: Evaluation) -> Findings:
    """What the task tells of the examples that were measured; its lines are logged."""
    findings = evaluation.findings()
    for line in findings.lines:
        logger.info("%s", line)
    return findings
