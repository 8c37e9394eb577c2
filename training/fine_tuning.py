"""Fine-tuning: trains a model for a task from labelled examples and a pre-trained checkpoint."""

import logging
from collections.abc import Sequence
from typing import Any

from common.errors import OptionError
from data_util.tokens.vocabulary import Vocabulary
from models.backbones.base import make_backbone
from models.checkpoints.folder import Checkpoint
from models.checkpoints.transfer import RestoreReport, transfer_backbone
from models.task_model import TaskModel
from tasks.data import DataSettings, TaskData
from tasks.evaluation import Findings
from tasks.registry import TASKS
from training.devices import runtime
from training.devices.distribution import is_main_process, main_process_first
from training.devices.forward import Forward
from training.loop.interruption import Interruption
from training.loop.loop import train
from training.loop.optimizer import total_steps
from training.loop.run_history import RunHistory
from training.loop.stage import Stage
from training.measuring import measure, tell
from training.options.scripts import FineTuningOptions
from training.preparation import architecture, teachers, tokenize_style, tuning, word_embeddings
from training.preparation.announcement import announce
from training.preparation.epochs import with_epochs
from training.preparation.features import with_features
from training.preparation.heads import load_source, start_from_checkpoint
from training.preparation.learned_vocabulary import new_tokenizer_and_vocabulary
from training.preparation.splits import split_files
from training.preparation.tokenizer import (
    DEFAULT_MIN_COUNT,
    DEFAULT_VOCAB_SIZE,
    cache_folder,
    check_vocabulary_fits,
    processes,
    restored_tokenizer,
    text_files,
)
from training.report import REPORT, fine_tuning_report
from training.runs.run_folder import RunFolder
from training.runs.shared_folder import run_folder
from training.runs.tensorboard import write_test_figures
from training.smoke_run import document_limit

logger = logging.getLogger(__name__)


def open_folder(options: FineTuningOptions) -> RunFolder:
    """Returns the output folder, `--ckpt_dir_save`; enter it before the text is read."""
    return run_folder(options, "ckpt_dir_save")


def open_checkpoint(options: FineTuningOptions) -> Checkpoint | None:
    """Reads the pre-trained checkpoint; returns None if `--ckpt_dir` is empty.

    Raises:
        CheckpointError: it cannot be read.
        OptionError: it was made in test mode and this run is not in test mode, or it is none that
            this run's tuning can start from.
    """
    word_embeddings.check_options(options, "ckpt_dir")
    checkpoint = architecture.open_checkpoint(options, "ckpt_dir")
    tuning.check(options, checkpoint)
    return checkpoint


@main_process_first("text read")
def prepare_data(options: FineTuningOptions, checkpoint: Checkpoint | None) -> TaskData:
    """Reads the labelled files with the checkpoint's tokenizer, or with a new one.

    Raises:
        InputError: a file cannot be read, or the vocabulary does not fit the text.
        OptionError: an option contradicts the checkpoint.
    """
    files = split_files(options)
    settings = data_settings(options, checkpoint, files["train"])
    data = TASKS[options.task].prepare(files, settings, options)
    vocabulary, tokens = data.text.vocabulary, data.train_tokens
    unknown = int((tokens == vocabulary.unk_id).sum())
    made_here = settings.vocabulary is None
    check_vocabulary_fits(unknown, len(tokens), vocabulary, files["train"], made_here=made_here)
    return data


def data_settings(
    options: FineTuningOptions, checkpoint: Checkpoint | None, files: Sequence[str]
) -> DataSettings:
    """The settings with which the labelled files are read.

    Args:
        options: of the run.
        checkpoint: from `open_checkpoint`.
        files: those of the training split, from which a vocabulary may be learned.

    Raises:
        OptionError: an option contradicts the checkpoint.
    """
    vocabulary: Vocabulary | None
    if checkpoint is not None:
        tokenizer, vocabulary = restored_tokenizer(options, checkpoint)
    else:
        chosen = tokenize_style.for_fine_tuning(options, {"train": list(files)})
        tokenizer, vocabulary = new_tokenizer_and_vocabulary(chosen, files)
    return DataSettings(
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        vocab_size=options.vocab_size or DEFAULT_VOCAB_SIZE,
        min_count=options.min_count or DEFAULT_MIN_COUNT,
        sequence_length=options.sequence_length,
        batch_size=options.batch_size,
        seed=options.seed,
        cache_folder=cache_folder(options),
        processes=processes(options),
        max_examples=document_limit(options),
        test_mode=options.test_mode,
        reading=options.reading(),
        teachers=teachers.chosen(options),
    )


def build_model(
    options: FineTuningOptions, data: TaskData, checkpoint: Checkpoint | None
) -> tuple[TaskModel, RestoreReport | None]:
    """Builds the task's model with the checkpoint's backbone, and a head: see `preparation.heads`.

    Args:
        options: of the run.
        data: from `prepare_data`.
        checkpoint: from `open_checkpoint`; None for a backbone with random weights.

    Returns:
        The model, and a report of the restored weights, None without a checkpoint.

    Raises:
        OptionError: an option contradicts the checkpoint or the architecture.
        CheckpointError: the checkpoint's weights do not fit.
    """
    runtime.start(options)
    vectors = word_embeddings.read(options, data.text.vocabulary, options.seed)
    if checkpoint is None:
        config = architecture.new_backbone_config(options, len(data.text.vocabulary))
        config = word_embeddings.fitted(config, vectors)
    else:
        config = architecture.restored_backbone_config(
            options, checkpoint, allow_changes=options.allow_partial_restore
        )
    config = architecture.long_enough(config, options, "sequence_length")
    model = tuning.build(data.task.build_model(make_backbone(config), config.dropout), options)
    word_embeddings.fill(model.backbone, vectors)
    data.task.start_head(model, data)
    if checkpoint is None:
        if model.head.starts_from:
            raise OptionError(
                f"this head starts from the {model.head.starts_from} head of pre-training: name a "
                "checkpoint with --ckpt_dir, or choose another --head."
            )
        return model, None
    source, before = load_source(checkpoint)
    report = transfer_backbone(
        model.backbone,
        source,
        checkpoint.folder,
        allow_partial=options.allow_partial_restore,
        added=tuning.chosen(options).added(model.backbone),
    )
    logger.info("%s: %s", checkpoint.folder, report)
    for problem in report.problems:
        logger.warning("not restored: %s", problem)
    architecture.extend_positions(model.backbone, checkpoint, options.sequence_length)
    start_from_checkpoint(model, data.task, source, before, checkpoint)
    return model, tuning.report_of(report, options, model, source, checkpoint)


def train_model(
    options: FineTuningOptions,
    data: TaskData,
    model: TaskModel,
    report: RestoreReport | None,
    folder: RunFolder,
) -> dict[str, Any]:
    """Trains or resumes training, then evaluates the weights of the best epoch on the test set.

    Args:
        options: of the run.
        data: from `prepare_data`.
        model: from `build_model`.
        report: from `build_model`.
        folder: the output folder, entered.

    Returns:
        The content of `metrics.json`.
    """
    task, given = data.task, options
    options = with_epochs(options, data.batches["train"].steps(0))
    tuned = tuning.TunedBackbone(model, options)
    folder.set_metadata(
        {
            "stage": "fine_tuning",
            "backbone": model.backbone.config.to_dict(),
            "task": task.name,
            **task.config(),
            **tuning.metadata(options, report),
            "head_dropout": model.backbone.config.dropout,
            "sequence_length": options.sequence_length,
            "test_mode": options.test_mode,
            "options": options.to_dict(),
        },
        {**text_files(data.text.tokenizer, data.text.vocabulary), **task.texts()},
        report.shared if report is not None and report.base is not None else None,
    )
    steps = total_steps(options, data.batches["train"].steps)
    model.compile(optimizer=tuned.optimizer(steps, data.batches["train"].steps))
    announce(options, data, model, report, steps, tuned.parameters)

    restored = report.to_dict() if report else None
    extra = {"restored": restored, "trained_parameters": tuned.parameters}
    history = RunHistory(task.score, extra=extra)
    if tuned.tuning.is_static:
        data = with_features(data, model)
    evaluation = task.evaluation(model, data, Forward(model), history.extra)
    stage = Stage(
        name="fine_tuning",
        batches=data.batches["train"].batches,
        steps=data.batches["train"].steps,
        examples=len(data.batches["train"]),
        evaluate=evaluation.validate,
        score=task.score,
        lower_is_better=not task.higher_is_better,
        train_metrics=("loss",),
        valid_batches=data.batches["valid"].steps(0),
        test_batches=data.batches["test"].steps(0) if "test" in data.batches else 0,
        locate=lambda epoch, step: data.locate(data.batches["train"].examples(epoch, step)),
        improved=lambda: evaluation.part_improved() or tuned.is_unfreezing,
        near_tie=task.near_tie,
        settle=evaluation.settle,
        begin_epoch=tuned.begin_epoch,
    )
    texts: dict[str, str] = {}
    findings = Findings()
    with Interruption(folder.resume_hint) as interruption:
        train(model, stage, folder, options, history, interruption, patience=options.patience)
        if "test" in data.batches:
            with interruption.immediately():
                note = f", best epoch {history.best_epoch}"
                history.extra["test"], texts = measure(evaluation, note)
                findings = tell(evaluation)
            tested = sum(map(stage.steps, range(history.best_epoch)))
            if is_main_process():
                measured = history.extra["test"].items()
                figures = {name: value for name, value in measured if name != "examples"}
                write_test_figures(folder.logs, stage.name, tested, figures)
    advice = evaluation.advice()
    texts[REPORT] = fine_tuning_report(history.metrics(), findings, advice, data, model, given)
    for sentence in advice:
        logger.warning(sentence)
    folder.finish(model, history.metrics(), texts)
    logger.info(
        "the fine-tuned checkpoint is in %s (%s)",
        folder.folder,
        ", ".join(["metrics.json", *texts]),
    )
    return history.metrics()
