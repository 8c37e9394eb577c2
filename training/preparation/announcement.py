"""What fine-tuning says of a run before it begins."""

import logging

from models.checkpoints.transfer import RestoreReport
from models.task_model import TaskModel
from tasks.data import TaskData
from training.devices import runtime
from training.options.scripts import FineTuningOptions
from training.preparation import architecture

logger = logging.getLogger(__name__)


def announce(
    options: FineTuningOptions,
    data: TaskData,
    model: TaskModel,
    report: RestoreReport | None,
    steps: int,
    trained: int,
) -> None:
    """Logs it.

    Args:
        options: of the run.
        data: the labelled examples.
        model: built.
        report: of the weights that were restored; None without a checkpoint.
        steps: of the whole run.
        trained: how many parameters are trained.
    """
    config = model.backbone.config
    numbers = {split: f"{len(batches):,}" for split, batches in data.batches.items()}
    if data.weighted:
        numbers["train"] = f"{len(data.batches['train']) - data.weighted:,} + {data.weighted:,}"
    sizes = ", ".join(f"{number} {split}" for split, number in numbers.items())
    logger.info(
        "fine-tuning (%s): %s %s, %s, vocabulary %s (%s)\n"
        "  %s, %s parameters%s, from %s\n"
        "  %d epochs at most, %s steps of %d, learning rate %g (head %g), %s\n"
        "  on %s",
        data.task.name,
        sizes,
        data.task.unit,
        data.task.summary(),
        f"{len(data.text.vocabulary):,}",
        data.text.tokenizer.style,
        config.summary,
        f"{model.count_params():,}",
        "" if options.tuning == "full" else f" ({options.tuning}: {trained:,} are trained)",
        options.ckpt_dir if report else "random weights",
        options.num_epochs,
        f"{steps:,}",
        options.batch_size,
        architecture.learning_rate(options, config, "fine_tuning"),
        options.head_learning_rate,
        options.precision,
        runtime.device(),
    )
