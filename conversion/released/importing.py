"""A released model as a checkpoint of this project."""

import logging
from pathlib import Path

import keras

from common.errors import ConfigError, InputError, OptionError
from conversion.released.config import config_from_release
from conversion.released.formats import Release, open_release
from conversion.released.vocabulary import (
    TOKENIZER_CONFIG,
    released_lower_case,
    released_vocabulary,
    unlike_bert,
)
from conversion.released.weights import ImportReport, fill_model
from data_util.tokens.tokenizers import OLD_RULES, make_tokenizer
from models.backbones.base import make_backbone
from models.backbones.transformer_config import TransformerConfig
from models.build import build
from models.checkpoints.folder import holds_checkpoint
from models.checkpoints.writing import write_checkpoint
from models.pretraining_model import PretrainingModel
from training.options.conversion import ImportOptions
from training.preparation.tokenizer import text_files
from training.runs.output_checks import check_no_foreign_files, check_not_input
from training.runs.run_lock import RunLock
from training.runs.run_record import RUN

logger = logging.getLogger(__name__)

_SHOWN = 20


def import_release(options: ImportOptions) -> ImportReport:
    """Writes a checkpoint of pre-training from a released model.

    Raises:
        CheckpointError, ConfigError, InputError, OptionError: the release cannot be used, or the
            output folder is taken.
    """
    if not options.ckpt_dir:
        raise OptionError("the checkpoint folder has no name: name the folder to write.")
    folder = Path(options.ckpt_dir)
    check_not_input(folder, options.source, "ckpt_dir")
    _check_free(folder, overwrite=options.overwrite)
    released = open_release(Path(options.source))
    config = _config(released, options)
    vocabulary = released_vocabulary(released.folder)
    if len(vocabulary) > config.vocab_size:
        raise InputError(
            f"the vocabulary has {len(vocabulary):,} tokens, and {released.config_file.name} says "
            f"vocab_size {config.vocab_size:,}: they belong to different models",
            released.folder,
        )
    lower_case, reason = released_lower_case(released.folder, vocabulary)
    if options.lower_case is not None:
        lower_case, reason = options.lower_case, "--lower_case"
    # BERT's own cleaning of text, and nothing before it.
    tokenizer = make_tokenizer(
        "wordpiece", lower_case=lower_case, vocabulary=vocabulary, rules=OLD_RULES
    )
    logger.info(
        "%s: %d layers of %d units, %d heads, up to %d tokens\n"
        "  vocabulary of %s word pieces, lower case: %s (%s)",
        released.weights,
        config.num_layers,
        config.d_model,
        config.num_heads,
        config.max_position,
        f"{len(vocabulary):,}",
        "yes" if lower_case else "no",
        reason,
    )
    for difference in unlike_bert(released.folder):
        logger.warning("%s: %s", released.folder / TOKENIZER_CONFIG, difference)

    keras.utils.set_random_seed(options.seed)
    objectives = released.family.objectives(released.shapes)
    model = build(PretrainingModel(make_backbone(config), objectives=objectives))
    report = fill_model(model, released, encoder_only=options.encoder_only)
    _log_report(report)
    settings = model.saved_settings
    names = {"fresh": list(report.fresh), "unused": list(report.unused)}
    folder.mkdir(parents=True, exist_ok=True)
    lock = RunLock(folder, "ckpt_dir")
    try:
        write_checkpoint(
            folder,
            config={
                "stage": "pretraining",
                "backbone": config.to_dict(),
                "objectives": list(model.objectives),
                **({"objective_settings": settings} if settings else {}),
                "sequence_length": config.max_position,
                "test_mode": False,
                "options": options.to_dict(),
            },
            model=model,
            texts=text_files(tokenizer, vocabulary),
            metrics={"history": [], "best_epoch": 0, "imported": names},
        )
        # No training run wrote what the folder holds now.
        (folder / RUN).unlink(missing_ok=True)
    finally:
        lock.release()
    logger.info("the checkpoint is in %s", folder)
    return report


def _check_free(folder: Path, *, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder}: this is a file; give a folder.")
    if overwrite:
        return
    check_no_foreign_files(folder, "ckpt_dir")
    if holds_checkpoint(folder):
        raise OptionError(
            f"{folder}: this folder already holds a checkpoint. Give another folder, or "
            "--overwrite to replace it."
        )


def _config(released: Release, options: ImportOptions) -> TransformerConfig:
    approximate = None if options.gelu is None else options.gelu == "tanh"
    try:
        return config_from_release(released.family, released.config, gelu_approximate=approximate)
    except ConfigError as error:
        raise ConfigError(f"{released.config_file}: {error}") from error


def _log_report(report: ImportReport) -> None:
    logger.info("%d variables imported, %s parameters", report.variables, f"{report.parameters:,}")
    for names, meaning in (
        (report.fresh, "not in the release, keeps its random weights"),
        (report.unused, "in the release, unused"),
    ):
        for name in names[:_SHOWN]:
            logger.warning("%s: %s", meaning, name)
        if len(names) > _SHOWN:
            logger.warning("%s: %d more (metrics.json lists all)", meaning, len(names) - _SHOWN)
    if report.optimizer:
        logger.info("unused: %d variables of an optimizer", report.optimizer)
