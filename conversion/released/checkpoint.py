"""A released BERT made one of our checkpoints, and one of ours made a folder for transformers."""

import json
import logging
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import keras

from common.errors import CheckpointError, ConfigError, InputError, OptionError
from conversion.released.config import bert_from_config, config_from_bert
from conversion.released.formats import ReleasedBert, open_released_bert
from conversion.released.vocabulary import (
    TOKENIZER_CONFIG,
    VOCABULARY,
    released_lower_case,
    released_vocabulary,
    unlike_bert,
)
from conversion.released.weights import ImportReport, bert_tensors, fill_model
from data_util.tokens.tokenizers import load_tokenizer, make_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import holds_checkpoint, read_checkpoint
from models.checkpoints.weights import load_model
from models.checkpoints.writing import write_checkpoint
from models.config import BackboneConfig
from models.pretraining_model import PretrainingModel
from training.options.scripts import ImportOptions
from training.preparation.tokenizer import (
    text_files,
)
from training.runs.run_lock import RunLock
from training.runs.run_record import RUN

logger = logging.getLogger(__name__)

_SHOWN = 20

# What BERT was pre-trained with; `conversion.released.names` has the names of their weights.
_OBJECTIVES = ("masked_lm", "next_sentence")

# What transformers calls a BERT with these heads.
_ARCHITECTURES = {
    ("masked_lm", "next_sentence"): "BertForPreTraining",
    ("masked_lm",): "BertForMaskedLM",
    ("next_sentence",): "BertForNextSentencePrediction",
}


def import_bert(options: ImportOptions) -> ImportReport:
    """Writes a checkpoint of step 1 from a release.

    Raises:
        CheckpointError, ConfigError, InputError, OptionError: the release cannot be used, or the
            output folder is taken.
    """
    if not options.ckpt_dir:
        raise OptionError(
            "the checkpoint folder has no name: name the folder that is to be written."
        )
    folder = Path(options.ckpt_dir)
    _check_free(folder, overwrite=options.overwrite)
    released = open_released_bert(Path(options.source))
    config = _config(released, options)
    vocabulary = released_vocabulary(released.folder)
    if len(vocabulary) > config.vocab_size:
        raise InputError(
            f"the vocabulary has {len(vocabulary):,} tokens, and {released.config_file.name} says "
            f"vocab_size {config.vocab_size:,}: they are not of one model",
            released.folder,
        )
    lower_case, reason = released_lower_case(released.folder, vocabulary)
    if options.lower_case is not None:
        lower_case, reason = options.lower_case, "--lower_case"
    tokenizer = make_tokenizer("wordpiece", lower_case=lower_case, vocabulary=vocabulary)
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
    model = build(PretrainingModel(make_backbone(config), objectives=_OBJECTIVES))
    report = fill_model(model, released, encoder_only=options.encoder_only)
    _tell(report)
    told = {"fresh": list(report.fresh), "unused": list(report.unused)}
    folder.mkdir(parents=True, exist_ok=True)
    lock = RunLock(folder, "ckpt_dir")
    try:
        write_checkpoint(
            folder,
            config={
                "stage": "pretraining",
                "backbone": config.to_dict(),
                "objectives": list(model.objectives),
                "sequence_length": config.max_position,
                "test_mode": False,
                "options": options.to_dict(),
            },
            model=model,
            texts=text_files(tokenizer, vocabulary),
            metrics={"history": [], "best_epoch": 0, "imported": told},
        )
        # What the folder holds now was made by no training run.
        (folder / RUN).unlink(missing_ok=True)
    finally:
        lock.release()
    logger.info("the checkpoint is in %s", folder)
    return report


def _check_free(folder: Path, *, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder}: this is a file; give a folder.")
    if holds_checkpoint(folder) and not overwrite:
        raise OptionError(
            f"{folder}: this folder already holds a checkpoint. Give another folder, or "
            "--overwrite to replace it."
        )


def export_bert(ckpt_dir: Path, output: Path) -> None:
    """Writes a folder for transformers: config.json, model.safetensors, vocab.txt and
    tokenizer_config.json.

    Args:
        ckpt_dir: a checkpoint of either step. Of step 2 the backbone is written, without its
            classification head.
        output: the folder that is made, whole or not at all.

    Raises:
        CheckpointError, ConfigError, InputError, OptionError: the checkpoint is not of BERT's
            shape, or the output folder is taken.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OptionError(f"{output}: this is there already; name a new folder.")
    checkpoint = read_checkpoint(ckpt_dir)
    try:
        config = bert_from_config(checkpoint.backbone)
    except ConfigError as error:
        raise CheckpointError(f"{ckpt_dir}: {error}") from error
    vocabulary = Vocabulary.load(checkpoint.path("vocab.txt"))
    tokenizer = load_tokenizer(checkpoint.path("tokenizer.json"), vocabulary)
    if tokenizer.style != "wordpiece":
        raise CheckpointError(
            f"{ckpt_dir}: its tokenize_style is {tokenizer.style!r} and would have to be "
            "'wordpiece': BERT's tokenizer would split text into other tokens."
        )
    objectives = tuple(sorted(checkpoint.config.get("objectives", ())))
    architecture = _ARCHITECTURES.get(objectives, "BertModel")
    config |= {
        "architectures": [architecture],
        "pad_token_id": vocabulary.pad_id,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": tokenizer.lower_case,
        "model_max_length": checkpoint.backbone.max_position,
        "tokenize_chinese_chars": True,
        "strip_accents": None,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    tensors = bert_tensors(load_model(checkpoint))
    texts = {
        "config.json": json.dumps(config, indent=2) + "\n",
        VOCABULARY: text_files(tokenizer, vocabulary)["vocab.txt"],
        TOKENIZER_CONFIG: json.dumps(settings, indent=2) + "\n",
    }
    _write_folder(output, texts, tensors)
    if "task" in checkpoint.config:
        logger.warning("the head of %s is not in it", ckpt_dir)
    logger.info(
        "%s: %s with %d tensors, for transformers' from_pretrained", output, architecture,
        len(tensors),
    )  # fmt: skip


def _config(released: ReleasedBert, options: ImportOptions) -> BackboneConfig:
    approximate = None if options.gelu is None else options.gelu == "tanh"
    try:
        return config_from_bert(released.config, gelu_approximate=approximate)
    except ConfigError as error:
        raise ConfigError(f"{released.config_file}: {error}") from error


def _tell(report: ImportReport) -> None:
    logger.info(
        "%d variables brought in, %s parameters", report.variables, f"{report.parameters:,}"
    )
    for names, meaning in (
        (report.fresh, "not in the release, starts from random weights"),
        (report.unused, "in the release, not used"),
    ):
        for name in names[:_SHOWN]:
            logger.warning("%s: %s", meaning, name)
        if len(names) > _SHOWN:
            logger.warning(
                "%s: %d more (all are in metrics.json)", meaning, len(names) - _SHOWN
            )  # fmt: skip
    if report.optimizer:
        logger.info("not used: %d variables of an optimizer", report.optimizer)


def _write_folder(output: Path, texts: dict[str, str], tensors: dict) -> None:
    """Writes beside `output` and renames: whoever reads the folder finds all of it or nothing."""
    from safetensors.numpy import save_file

    output.parent.mkdir(parents=True, exist_ok=True)
    incoming = output.with_name(f".{output.name}.{secrets.token_hex(8)}.tmp")
    incoming.mkdir()
    try:
        for name, text in texts.items():
            (incoming / name).write_text(text, encoding="utf-8")
        save_file(tensors, incoming / "model.safetensors", metadata={"format": "pt"})
        _flush([*incoming.iterdir(), incoming])
        incoming.replace(output)
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise


def _flush(paths: Sequence[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
