"""Step 2: labelled documents and a pre-trained checkpoint in, a classifier out."""

import logging
from typing import Any

import numpy as np

from common.errors import OptionError
from models.backbone import make_backbone
from models.build import build
from models.checkpoints.folder import Checkpoint
from models.checkpoints.weights import load_model
from models.classification import ClassificationModel
from models.config import BackboneConfig
from models.tables import HEADS
from models.transfer import RestoreReport, start_head, transfer_backbone
from training import setup, word_embeddings
from training.bag_of_words import has_room
from training.distribution import first_process_first
from training.evaluation import Validation, evaluate, split_logits
from training.interruption import Interruption
from training.labelled_data import LabelledData, load_labelled_data, training_places
from training.loop import Record, Stage, make_optimizer, total_steps, train
from training.metrics import label_table
from training.optimizer import AdamW
from training.options import FineTuningOptions
from training.run_folder import RunFolder
from training.shared_folder import run_folder

logger = logging.getLogger(__name__)


def open_folder(options: FineTuningOptions) -> RunFolder:
    """The folder that `--ckpt_dir_save` names, to be entered before the long work begins."""
    return run_folder(options, "ckpt_dir_save")


def open_checkpoint(options: FineTuningOptions) -> Checkpoint | None:
    """The pre-trained checkpoint, or None where `--ckpt_dir` is empty.

    Raises:
        OptionError: it was made in test mode and this run is not.
    """
    word_embeddings.check_options(options, "ckpt_dir")
    return setup.open_checkpoint(options, "ckpt_dir")


@first_process_first("text read")
def prepare_data(options: FineTuningOptions, checkpoint: Checkpoint | None) -> LabelledData:
    """Reads the labelled files with the checkpoint's tokenizer, or with a new one."""
    return load_labelled_data(options, checkpoint)


def build_model(
    options: FineTuningOptions, data: LabelledData, checkpoint: Checkpoint | None
) -> tuple[ClassificationModel, RestoreReport | None]:
    """The checkpoint's backbone with its weights, and a fresh classification head."""
    setup.start(options)
    vectors = word_embeddings.read(options, data.vocabulary, options.seed)
    if checkpoint is None:
        config = setup.new_backbone_config(options, len(data.vocabulary))
        config = word_embeddings.fitted(config, vectors)
    else:
        config = setup.restored_backbone_config(
            options, checkpoint, allow_changes=options.allow_partial_restore
        )
    if options.sequence_length > config.max_position:
        raise OptionError(
            f"--sequence_length={options.sequence_length} is longer than the backbone can take "
            f"(max_position {config.max_position}). Use a smaller one, or pre-train with a larger "
            "--max_position."
        )
    head = _head(options, data, config, checkpoint)
    model = build(
        ClassificationModel(
            make_backbone(config),
            num_labels=len(data.labels),
            task=options.task,
            dropout=config.dropout,
            head=head,
            bag_of_words=_has_bag_of_words(options, data),
        )
    )
    word_embeddings.fill(model.backbone, vectors)
    label_ids, documents = data.corpora["train"].label_ids, len(data.corpora["train"])
    model.set_class_priors(np.bincount(label_ids, minlength=len(data.labels)) / documents)
    if checkpoint is None:
        return model, None
    source = load_model(checkpoint)
    report = transfer_backbone(
        model.backbone, source, checkpoint.folder, allow_partial=options.allow_partial_restore
    )
    logger.info("%s: %s", checkpoint.folder, report)
    for problem in report.problems:
        logger.warning("not restored: %s", problem)
    setup.extend_positions(model.backbone, checkpoint, options.sequence_length)
    if model.head.starts_from:
        start_head(model.head, source, checkpoint.folder)
        logger.info(
            "%s: the weights of its %s head start the head",
            checkpoint.folder,
            model.head.starts_from,
        )
    return model, report


def _head(
    options: FineTuningOptions,
    data: LabelledData,
    config: BackboneConfig,
    checkpoint: Checkpoint | None,
) -> str:
    """The name of the classification head: the one that was asked for, if it fits the data."""
    head = options.head or ("alignment" if data.pairs else "detectors")
    if HEADS[head].for_pairs and not data.pairs:
        raise OptionError(
            f"--head={head} is for pairs of texts, and the labelled files hold single ones."
        )
    if HEADS[head].starts_from and checkpoint is None:
        raise OptionError(
            f"--head={head} starts from a pre-trained {HEADS[head].starts_from} head: name a "
            "checkpoint with --ckpt_dir, or choose another --head."
        )
    if data.pairs and config.num_segments < 2:
        raise OptionError(
            f"--ckpt_dir={options.ckpt_dir}: this backbone knows only one segment, and a pair of "
            "texts needs two."
        )
    return head


def _has_bag_of_words(options: FineTuningOptions, data: LabelledData) -> bool:
    """Whether a linear classifier is to stand beside the network: for single texts, if it fits."""
    if not options.bag_of_words or data.pairs:
        return False
    if has_room(len(data.vocabulary), len(data.labels)):
        return True
    logger.warning(
        "no bag of words: a weight for each of %s tokens and %s labels would be too many",
        f"{len(data.vocabulary):,}",
        f"{len(data.labels):,}",
    )
    return False


def train_model(
    options: FineTuningOptions,
    data: LabelledData,
    model: ClassificationModel,
    report: RestoreReport | None,
    folder: RunFolder,
) -> dict[str, Any]:
    """Trains, or goes on with training, then reads the test set once with the best epoch's weights.

    Returns:
        The content of `metrics.json`.
    """
    folder.describe(
        {
            "stage": "fine_tuning",
            "backbone": model.backbone.config.to_dict(),
            "num_labels": len(data.labels),
            "task": options.task,
            "head": model.head_name,
            "bag_of_words": model.bag_of_words is not None,
            "pairs": data.pairs,
            "head_dropout": model.backbone.config.dropout,
            "sequence_length": options.sequence_length,
            "test_mode": options.test_mode,
            "options": options.to_dict(),
        },
        {
            **setup.text_files(data.tokenizer, data.vocabulary),
            "labels.txt": "".join(f"{label}\n" for label in data.labels.labels),
        },
    )
    steps = total_steps(options, data.batches["train"].steps)
    model.compile(optimizer=_optimizer(options, model, steps))
    _announce(options, data, model, report, steps)

    record = Record(extra={"thresholds": {}, "restored": report.to_dict() if report else None})
    validation = Validation(model, data, options, record)
    stage = Stage(
        name="fine_tuning",
        batches=lambda epoch, first: (
            batch[:2] for batch in data.batches["train"].batches(epoch, first)
        ),
        steps=data.batches["train"].steps,
        examples=len(data.corpora["train"]),
        evaluate=validation.run,
        score=lambda valid: valid["f1"],
        train_figures=("loss",),
        documents=lambda epoch, step: training_places(
            options, data.batches["train"].documents(epoch, step)
        ),
        gained=validation.network_gained,
    )
    texts = {}
    with Interruption(folder.how_to_go_on) as interruption:
        train(model, stage, folder, options, record, interruption, patience=options.patience)
        if "test" in data.batches:
            stored = record.extra["thresholds"]
            thresholds = np.array([stored[label] for label in data.labels.labels])
            with interruption.at_once():
                logits = split_logits(model, data, "test")
                figures, decisions = evaluate(logits, data.targets("test"), model.task, thresholds)
    if "test" in data.batches:
        record.extra["test"] = {
            **figures,
            "examples": len(data.corpora["test"]),
            "labels": len(data.labels),
        }
        training_documents = data.targets("train").sum(axis=0)
        texts["test_labels.csv"] = label_table(
            data.labels.labels, training_documents, data.targets("test"), decisions, thresholds
        )
        logger.info(
            "test (%s documents, best epoch %d): %s",
            f"{len(data.corpora['test']):,}",
            record.best_epoch,
            "  ".join(f"{name} {value:.4f}" for name, value in figures.items()),
        )
    folder.finish(model, record.metrics(), texts)
    logger.info(
        "the classifier is in %s (figures: metrics.json%s)",
        folder.folder,
        ", by label: test_labels.csv" if texts else "",
    )
    return record.metrics()


def _optimizer(options: FineTuningOptions, model: ClassificationModel, steps: int) -> AdamW:
    backbone_rate = setup.learning_rate(options, model.backbone.config, "fine_tuning")
    head_rate = options.head_learning_rate
    peak = max(backbone_rate, head_rate)
    optimizer = make_optimizer(options, peak, steps)
    if peak > 0:
        optimizer.scale_learning_rate(model.backbone.trainable_variables, backbone_rate / peak)
        optimizer.scale_learning_rate(model.head.trainable_variables, head_rate / peak)
    return optimizer


def _announce(
    options: FineTuningOptions,
    data: LabelledData,
    model: ClassificationModel,
    report: RestoreReport | None,
    steps: int,
) -> None:
    config = model.backbone.config
    sizes = ", ".join(f"{len(corpus):,} {split}" for split, corpus in data.corpora.items())
    logger.info(
        "fine-tuning: %s %s, %s labels, vocabulary %s (%s)\n"
        "  %s, %s parameters, from %s, head %s%s\n"
        "  %d epochs at most, %s steps of %d, learning rate %g (head %g), %s\n"
        "  on %s",
        sizes,
        "pairs" if data.pairs else "documents",
        f"{len(data.labels):,}",
        f"{len(data.vocabulary):,}",
        data.tokenizer.style,
        f"{config.backbone} d_model {config.d_model}",
        f"{model.count_params():,}",
        options.ckpt_dir if report else "random weights",
        model.head_name,
        " and bag of words" if model.bag_of_words is not None else "",
        options.num_epochs,
        f"{steps:,}",
        options.batch_size,
        setup.learning_rate(options, config, "fine_tuning"),
        options.head_learning_rate,
        options.precision,
        setup.device(),
    )
