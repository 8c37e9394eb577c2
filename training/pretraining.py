"""Pre-training: trains a backbone on raw text."""

import logging
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from common.errors import OptionError
from data_util.pretraining.batches import PretrainingBatches
from data_util.pretraining.build_corpus import prepare_pretraining_data
from data_util.pretraining.corpus import split_documents
from data_util.reading.documents import locate_documents
from data_util.registry import ROWS
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import Checkpoint
from models.checkpoints.transfer import transfer_pretraining
from models.checkpoints.weights import load_model
from models.objectives.selection import pair_shares_of, rows_of
from models.pretraining_model import PretrainingModel
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
from training.preparation.learned_vocabulary import new_tokens, tokenizer_and_vocabulary
from training.preparation.noise import make_noise, noise_classes, phrases, with_spare_tokens
from training.preparation.objectives import (
    check_backbone,
    check_mentions,
    label_mentions,
    mention_files,
    objective_settings,
    objectives,
)
from training.preparation.tokenizer import (
    DEFAULT_MIN_COUNT,
    DEFAULT_VOCAB_SIZE,
    cache_folder,
    check_vocabulary_fits,
    processes,
    text_files,
)
from training.runs.run_folder import RunFolder
from training.runs.shared_folder import run_folder
from training.smoke_run import document_limit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PretrainingData:
    """The data of pre-training.

    Attributes:
        tokenizer, vocabulary: those of `start`, or new ones.
        train, valid: the batches of both splits.
        documents, tokens: their numbers in both splits together.
        labels: those that were looked for in the text; empty if no objective reads them.
        label_frequencies: of each label among the documents of `train` that name any.
        start: the checkpoint `--init_ckpt_dir`, or None.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    train: PretrainingBatches
    valid: PretrainingBatches
    documents: int
    tokens: int
    labels: tuple[str, ...] = ()
    label_frequencies: tuple[float, ...] = ()
    start: Checkpoint | None = None


def open_folder(options: PretrainingOptions) -> RunFolder:
    """Returns the output folder, `--ckpt_dir`; enter it before the text is read."""
    return run_folder(options, "ckpt_dir")


@main_process_first("text read")
def prepare_data(options: PretrainingOptions) -> PretrainingData:
    """Reads the text and prepares the tokenizer, the vocabulary, and the batches of both splits.

    Raises:
        InputError: a file cannot be read, or the vocabulary does not fit the text.
        OptionError: an option contradicts another one or the checkpoint.
    """
    word_embeddings.check_options(options, "init_ckpt_dir")
    start = open_start(options)
    names = objectives(options)
    check_backbone(options, names, start)
    tokenizer, given = tokenizer_and_vocabulary(options, start)
    mentions = label_mentions(options, names, start)
    noises, hidden_phrases = noise_classes(options, names), phrases(options, names)
    corpus, vocabulary = prepare_pretraining_data(
        options.mask_lm_source_file,
        tokenizer,
        vocab_size=options.vocab_size or DEFAULT_VOCAB_SIZE,
        min_count=options.min_count or DEFAULT_MIN_COUNT,
        vocabulary=given,
        unit=options.line_unit,
        reading=options.reading(),
        mentions=mentions,
        word_starts=any(noise.reads_words for noise in noises),
        cache_folder=cache_folder(options),
        processes=processes(options),
        max_documents=document_limit(options),
        test_mode=options.test_mode,
    )
    unknown = int(np.count_nonzero(corpus.ids == vocabulary.unk_id))
    sources, made_here = options.mask_lm_source_file, given is None
    check_vocabulary_fits(unknown, len(corpus.ids), vocabulary, sources, made_here=made_here)
    check_mentions(corpus, options)
    tokenizer, vocabulary = with_spare_tokens(noises, tokenizer, vocabulary)
    train_documents, valid_documents = split_documents(corpus, options.valid_ratio, options.seed)
    plan, shares = ROWS[rows_of(names)], pair_shares_of(names)
    shared: dict[str, Any] = {
        "rows": plan() if shares is None else plan(shares),
        "noise": make_noise(noises, options, tokenizer, vocabulary, hidden_phrases),
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
        labels=corpus.labels,
        label_frequencies=tuple(corpus.label_frequencies(train_documents).tolist()),
        start=start,
    )


def open_start(options: PretrainingOptions) -> Checkpoint | None:
    """Reads the checkpoint from which pre-training continues; None if there is none.

    Raises:
        OptionError: it is not pre-trained, was made in test mode and this run is not in test mode,
            or is missing and --extend_vocabulary is given.
    """
    start = architecture.open_checkpoint(options, "init_ckpt_dir")
    if start is None and options.extend_vocabulary:
        raise OptionError("--extend_vocabulary: name the checkpoint with --init_ckpt_dir.")
    if start is not None and "objectives" not in start.config:
        raise OptionError(
            f"--init_ckpt_dir={options.init_ckpt_dir}: this checkpoint was fine-tuned. Name one "
            "that was written by train_bert_lm.py or conversion.import_released."
        )
    return start


def build_model(options: PretrainingOptions, data: PretrainingData) -> PretrainingModel:
    """Builds the backbone and the objectives' heads, with random weights or those of `data.start`.

    Raises:
        OptionError: an option contradicts the checkpoint or the architecture.
        CheckpointError: the checkpoint's weights do not fit.
    """
    runtime.start(options)
    vectors = word_embeddings.read(options, data.vocabulary, options.seed)
    if data.start is None:
        config = architecture.new_backbone_config(options, len(data.vocabulary))
        config = word_embeddings.fitted(config, vectors)
    else:
        config = architecture.restored_backbone_config(options, data.start, allow_changes=False)
        config = architecture.large_enough(config, len(data.vocabulary))
    config = architecture.long_enough(config, options, "sequence_length_lm")
    names = objectives(options)
    settings = objective_settings(
        options,
        names,
        # Vocabularies built here are ordered by frequency; those of released BERT models are not.
        ids_by_frequency=data.tokenizer.style != "wordpiece",
        mention_frequencies=data.label_frequencies,
    )
    model = build(PretrainingModel(make_backbone(config), objectives=names, settings=settings))
    word_embeddings.fill(model.backbone, vectors)
    if data.start is not None:
        source = load_model(data.start)
        added = new_tokens(data.start, data.tokenizer, data.vocabulary)
        report, fresh = transfer_pretraining(model, source, data.start.folder, added)
        logger.info("%s: %s", data.start.folder, report)
        architecture.extend_positions(model.backbone, data.start, options.sequence_length_lm)
        for name in fresh:
            logger.warning("the checkpoint has no head for %s: it starts at random", name)
    return model


def train_model(
    options: PretrainingOptions, data: PretrainingData, model: PretrainingModel, folder: RunFolder
) -> dict[str, Any]:
    """Trains or resumes training; writes the best and the last checkpoint to `folder`.

    Returns:
        The content of `metrics.json`.
    """
    saved = model.saved_settings
    folder.set_metadata(
        {
            "stage": "pretraining",
            "backbone": model.backbone.config.to_dict(),
            "objectives": list(objectives(options)),
            **({"objective_settings": saved} if saved else {}),
            "sequence_length": options.sequence_length_lm,
            "test_mode": options.test_mode,
            "options": options.to_dict(),
        },
        {**text_files(data.tokenizer, data.vocabulary), **mention_files(data.labels)},
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
        valid_batches=data.valid.steps(0),
        measured=model.measured,
        training_curves=model.training_curves,
        locate=lambda epoch, step: _locations(options, data.train.documents(epoch, step)),
    )
    history = RunHistory(stage.score)
    with Interruption(folder.resume_hint) as interruption:
        train(model, stage, folder, options, history, interruption)
    # The metrics in the best checkpoint end at its epoch: replace them by those of the whole run.
    folder.finish(model, history.metrics(), {})
    logger.info("the pre-trained checkpoint is in %s", folder.folder)
    return history.metrics()


def evaluate(
    model: PretrainingModel, batches: PretrainingBatches, metrics: tuple[str, ...]
) -> dict[str, float]:
    """Returns "loss" and the named `metrics` of a model; masks and pairs are the same each time."""
    results = model.evaluate(
        prefetched(lambda: batches.batches(0), batches.steps(0)), verbose=0, return_dict=True
    )
    return model.measured({name: float(results[name]) for name in ("loss", *metrics)})


def _locations(options: PretrainingOptions, documents: np.ndarray) -> list[str]:
    return locate_documents(
        documents,
        options.mask_lm_source_file,
        labelled=False,
        reading=options.reading(),
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
        "  %s sequences of up to %d tokens per epoch, %d validation steps\n"
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
