"""Step 1: free text in, a pre-trained checkpoint out."""

import logging
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from common.errors import ConfigError, OptionError
from data_util.pretraining.batches import PretrainingBatches
from data_util.pretraining.build_corpus import prepare_pretraining_data
from data_util.pretraining.corpus import split_documents
from data_util.reading.documents import locate_documents
from data_util.registry import NOISES, ROWS
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import Checkpoint
from models.checkpoints.transfer import transfer_pretraining
from models.checkpoints.weights import load_model
from models.objectives.selection import check_objectives, noise_of, pair_shares_of, rows_of
from models.pretraining_model import PretrainingModel
from models.registry import OBJECTIVES
from training.devices import runtime
from training.devices.distribution import main_process_first
from training.devices.input_pipeline import prefetched
from training.loop.interruption import Interruption
from training.loop.loop import train
from training.loop.optimizer import make_optimizer, total_steps
from training.loop.run_history import RunHistory
from training.loop.stage import Stage
from training.options.scripts import PretrainingOptions
from training.preparation import architecture, word_embeddings
from training.preparation.tokenizer import (
    DEFAULT_MIN_COUNT,
    DEFAULT_VOCAB_SIZE,
    cache_folder,
    check_vocabulary_fits,
    given_vocabulary,
    new_tokenizer,
    processes,
    restored_tokenizer,
    text_files,
)
from training.runs.run_folder import RunFolder
from training.runs.shared_folder import run_folder
from training.smoke_run import document_limit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PretrainingData:
    """The text side of step 1: what it learns from, and what the checkpoint keeps of it.

    Attributes:
        tokenizer, vocabulary: those of `start`, or new ones.
        train, valid: the batches.
        documents, tokens: how many there are, in both splits.
        start: the checkpoint that `--init_ckpt_dir` names, if it does.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    train: PretrainingBatches
    valid: PretrainingBatches
    documents: int
    tokens: int
    start: Checkpoint | None = None


def objectives(options: PretrainingOptions) -> tuple[str, ...]:
    """The chosen objectives, in the order of the table, whatever the order of the option.

    Their heads draw their initial weights in this order.

    Raises:
        OptionError: they cannot be learned together.
    """
    chosen = tuple(name for name in OBJECTIVES if name in options.objectives)
    try:
        check_objectives(chosen)
    except ConfigError as error:
        raise OptionError(f"--objectives={','.join(chosen)}: {error}") from error
    return chosen


def open_folder(options: PretrainingOptions) -> RunFolder:
    """The folder that `--ckpt_dir` names, to be entered before the long work begins."""
    return run_folder(options, "ckpt_dir")


@main_process_first("text read")
def prepare_data(options: PretrainingOptions) -> PretrainingData:
    """Reads the text: tokenizer, vocabulary, cache, and the batches of both splits."""
    word_embeddings.check_options(options, "init_ckpt_dir")
    start = open_start(options)
    if start is None:
        given = given_vocabulary(options)
        tokenizer = new_tokenizer(options, given)
    else:
        tokenizer, given = restored_tokenizer(options, start)
    corpus, vocabulary = prepare_pretraining_data(
        options.mask_lm_source_file,
        tokenizer,
        vocab_size=options.vocab_size or DEFAULT_VOCAB_SIZE,
        min_count=options.min_count or DEFAULT_MIN_COUNT,
        vocabulary=given,
        unit=options.line_unit,
        cache_folder=cache_folder(options),
        processes=processes(options),
        max_documents=document_limit(options),
        test_mode=options.test_mode,
    )
    unknown = int(np.count_nonzero(corpus.ids == vocabulary.unk_id))
    check_vocabulary_fits(unknown, len(corpus.ids), vocabulary, options.mask_lm_source_file)
    train_documents, valid_documents = split_documents(corpus, options.valid_ratio, options.seed)
    names = objectives(options)
    plan, shares = ROWS[rows_of(names)], pair_shares_of(names)
    shared: dict[str, Any] = {
        "rows": plan() if shares is None else plan(shares),
        "noise": NOISES[noise_of(names)](vocabulary, options.mask_probability),
        "sequence_length": options.sequence_length_lm,
        "batch_size": options.batch_size,
        "seed": options.seed,
    }
    return PretrainingData(
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        train=PretrainingBatches(corpus, train_documents, vocabulary, **shared, stream="train"),
        valid=PretrainingBatches(
            corpus, valid_documents, vocabulary, **shared, shuffle=False, stream="valid"
        ),
        documents=len(corpus),
        tokens=len(corpus.ids),
        start=start,
    )


def open_start(options: PretrainingOptions) -> Checkpoint | None:
    """The checkpoint that training goes on from, or None.

    Raises:
        OptionError: it is not one of step 1, or was made in test mode and this run is not.
    """
    start = architecture.open_checkpoint(options, "init_ckpt_dir")
    if start is not None and "objectives" not in start.config:
        raise OptionError(
            f"--init_ckpt_dir={options.init_ckpt_dir}: this checkpoint was fine-tuned. Name one "
            "that train_bert_lm.py or conversion.import_released wrote."
        )
    return start


def build_model(options: PretrainingOptions, data: PretrainingData) -> PretrainingModel:
    """The backbone with a head for each objective, from random weights or `--init_ckpt_dir`."""
    runtime.start(options)
    vectors = word_embeddings.read(options, data.vocabulary, options.seed)
    if data.start is None:
        config = architecture.new_backbone_config(options, len(data.vocabulary))
        config = word_embeddings.fitted(config, vectors)
    else:
        config = architecture.restored_backbone_config(options, data.start, allow_changes=False)
    if options.sequence_length_lm > config.max_position:
        raise OptionError(
            f"--sequence_length_lm={options.sequence_length_lm} is longer than "
            f"--max_position={config.max_position}."
        )
    names = objectives(options)
    wanted = {setting for name in names for setting in OBJECTIVES[name].settings}
    settings = {name: value for name, value in options.to_dict().items() if name in wanted}
    # Those of a released BERT's vocabulary are not; those of one that was made here are.
    settings["ids_by_frequency"] = data.tokenizer.style != "wordpiece"
    model = build(PretrainingModel(make_backbone(config), objectives=names, settings=settings))
    word_embeddings.fill(model.backbone, vectors)
    if data.start is not None:
        source = load_model(data.start)
        report, fresh = transfer_pretraining(model, source, data.start.folder)
        logger.info("%s: %s", data.start.folder, report)
        architecture.extend_positions(model.backbone, data.start, options.sequence_length_lm)
        for name in fresh:
            logger.warning(
                "the checkpoint has no head for %s: it starts from random weights", name
            )  # fmt: skip
    return model


def train_model(
    options: PretrainingOptions,
    data: PretrainingData,
    model: PretrainingModel,
    folder: RunFolder,
) -> dict[str, Any]:
    """Trains, or goes on with training; writes the best and the last checkpoint to `folder`.

    Returns:
        The content of `metrics.json`.
    """
    folder.set_metadata(
        {
            "stage": "pretraining",
            "backbone": model.backbone.config.to_dict(),
            "objectives": list(objectives(options)),
            "sequence_length": options.sequence_length_lm,
            "test_mode": options.test_mode,
            "options": options.to_dict(),
        },
        text_files(data.tokenizer, data.vocabulary),
    )
    steps = total_steps(options, data.train.steps)
    rate = architecture.learning_rate(options, model.backbone.config, "pretraining")
    model.compile(optimizer=make_optimizer(options, rate, steps))
    _announce(options, data, model, steps)
    stage = Stage(
        name="pretraining",
        batches=data.train.batches,
        steps=data.train.steps,
        examples=data.train.examples(0),
        evaluate=lambda: evaluate(model, data.valid, model.metric_names),
        score="loss",
        lower_is_better=True,
        train_metrics=("loss", *model.metric_names),
        locate=lambda epoch, step: _places(options, data.train.documents(epoch, step)),
    )
    history = RunHistory(stage.score)
    with Interruption(folder.resume_hint) as interruption:
        train(model, stage, folder, options, history, interruption)
    # The best checkpoint's figures end at its epoch: those of the whole run take their place.
    folder.finish(model, history.metrics(), {})
    logger.info("the pre-trained checkpoint is in %s", folder.folder)
    return history.metrics()


def evaluate(
    model: keras.Model, batches: PretrainingBatches, figures: tuple[str, ...]
) -> dict[str, float]:
    """The figures of all of `batches`, with the same masks and pairs each time."""
    results = model.evaluate(
        prefetched(lambda: batches.batches(0), batches.steps(0)), verbose=0, return_dict=True
    )
    return {name: float(results[name]) for name in ("loss", *figures)}


def _places(options: PretrainingOptions, documents: np.ndarray) -> list[str]:
    return locate_documents(
        documents,
        options.mask_lm_source_file,
        labelled=False,
        unit=options.line_unit,
        max_documents=document_limit(options),
    )


def _announce(
    options: PretrainingOptions, data: PretrainingData, model: keras.Model, steps: int
) -> None:
    config = model.backbone.config
    logger.info(
        "pre-training: %s documents, %s tokens, vocabulary %s (%s)\n"
        "  %s, %s parameters, from %s; %s\n"
        "  %s sequences of up to %d tokens an epoch, %d validation steps\n"
        "  %d epochs, %s steps of %d sequences, learning rate %g, %s\n"
        "  on %s",
        f"{data.documents:,}",
        f"{data.tokens:,}",
        f"{len(data.vocabulary):,}",
        data.tokenizer.style,
        config.summary,
        f"{model.count_params():,}",
        data.start.folder if data.start else "random weights",
        " + ".join(objectives(options)),
        f"{data.train.examples(0):,}",
        options.sequence_length_lm,
        data.valid.steps(0),
        options.num_epochs,
        f"{steps:,}",
        options.batch_size,
        architecture.learning_rate(options, model.backbone.config, "pretraining"),
        options.precision,
        runtime.device(),
    )
