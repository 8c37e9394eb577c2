"""The report of a run: `report.html`, from its metrics and from what its task tells."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.command_line import command_of
from models.task_model import TaskModel
from reports.blocks import Fact, LineChart, Report, Section, Sentences, Series
from reports.rendering import render
from tasks.data import TaskData
from tasks.evaluation import Findings
from training.options.scripts import EvaluationOptions, FineTuningOptions

REPORT = "report.html"


def fine_tuning_report(
    metrics: Mapping[str, Any],
    findings: Findings,
    advice: Sequence[str],
    data: TaskData,
    model: TaskModel,
    options: FineTuningOptions,
) -> str:
    """The report of a fine-tuning run, as HTML; the same run gives the same text.

    Args:
        metrics: the content of `metrics.json`.
        findings: of the test examples.
        advice: what the user should know, a sentence each.
        data: of the run.
        model: the model.
        options: of the run.
    """
    score, best, remarks = metrics["score"], metrics["best_epoch"], data.remarks
    measured, split = metrics.get("test"), "test"
    if measured is None:
        split = "validation"
        entries = [entry for entry in metrics["history"] if entry["epoch"] == best]
        measured = entries[0]["valid"] if entries else {}
        remarks = ("There was no test file; evaluate.py measures on any labelled file.", *remarks)
    task, config, train = data.task, model.backbone.config, data.batches["train"]
    labelled = len(train) - data.weighted
    sections = [
        Section("What to do", [Sentences(advice)] if advice else []),
        Section("Training", _curves(metrics["history"], score, best, train.steps(0))),
        *findings.sections,
        *data_section(remarks),
    ]
    report = Report(
        title=f"Fine-tuning: {Path(options.ckpt_dir_save).name}",
        about=f"{task.name}, {labelled:,} training {task.unit}, {task.summary()}; "
        f"{config.summary}, {'from ' + options.ckpt_dir if options.ckpt_dir else 'random weights'}."
        f" The numbers are those of the {split} {task.unit}, with the weights of epoch {best}.",
        command=command_of(options),
        facts=facts_of(measured, score, "chooses the epoch"),
        sections=sections,
    )
    return render(report)


def evaluation_report(
    metrics: Mapping[str, Any], findings: Findings, data: TaskData, options: EvaluationOptions
) -> str:
    """The report of an evaluation, as HTML.

    Args:
        metrics: the content of its `metrics.json`.
        findings: of the examples.
        data: the examples.
        options: of the evaluation.
    """
    task, files = data.task, [Path(name).name for name in options.input]
    report = Report(
        title=f"Evaluation: {', '.join(files)}",
        about=f"{options.ckpt_dir}: {task.name}, {task.summary()}. The numbers are those of "
        f"{len(data.batches['test']):,} {task.unit}.",
        command=command_of(options),
        facts=facts_of(metrics["test"], task.score),
        sections=[*findings.sections, *data_section(data.remarks)],
    )
    return render(report)


def facts_of(metrics: Mapping[str, Any], score: str, note: str = "") -> list[Fact]:
    """The metrics: the score with its note, those that are made like it, then the others."""
    order = sorted(metrics, key=lambda name: (name != score, not _is_kin(name, score)))
    facts = []
    for name in order:
        if name == "loss" and "log_loss" in metrics:
            continue  # It is the same number.
        value = metrics[name]
        shown = f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
        facts.append(Fact(readable(name), shown, note if name == score else ""))
    return facts


def data_section(remarks: Sequence[str]) -> list[Section]:
    """What is wrong with the data itself, if anything."""
    return [Section("The data", [Sentences(remarks)])] if remarks else []


def readable(name: str) -> str:
    """The name of a metric in words.

    >>> readable("micro_f1")
    'micro F1'
    """
    return name.replace("_", " ").replace("f1", "F1")


def _curves(
    history: Sequence[Mapping[str, Any]], score: str, best: int, steps: int
) -> list[LineChart]:
    """The loss, and the score with its parts, over the steps of a run."""

    def series(split: str, metric: str, name: str) -> Series:
        found = [entry for entry in history if metric in entry[split]]
        points = [(float(entry["epoch"] * steps), entry[split][metric]) for entry in found]
        return Series(name, points)

    marked = (float(best * steps), f"epoch {best}") if best else None
    validated = [entry["valid"] for entry in history if entry["valid"]]
    names = [name for name in validated[0] if "loss" not in name] if validated else []
    # The score, and those that are made as it is.
    shown = [score, *(name for name in names if name != score and _is_kin(name, score))][:4]
    return [
        LineChart(
            "Loss",
            "step",
            "per example",
            [series("train", "loss", "train"), series("valid", "loss", "valid")],
            marked,
        ),
        LineChart(
            f"Validation {readable(score)}",
            "step",
            "",
            [series("valid", name, _short(name, score)) for name in shown],
            marked,
        ),
    ]


def _is_kin(name: str, score: str) -> bool:
    return name.endswith(f"_{score}")


def _short(name: str, score: str) -> str:
    return readable(name.removesuffix(f"_{score}"))
