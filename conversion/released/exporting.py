"""A checkpoint of this project as a folder that the library transformers reads."""

import logging
from pathlib import Path

from safetensors.numpy import save_file

from common.errors import CheckpointError, ConfigError, OptionError
from common.files import to_json
from common.whole_files import whole_folder
from conversion.released.config import family_of_backbone, release_from_config
from conversion.released.vocabulary import TOKENIZER_CONFIG, VOCABULARY
from conversion.released.weights import released_tensors
from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from models.tuning.stored import stored_tuning
from training.preparation.tokenizer import text_files

logger = logging.getLogger(__name__)


def export_release(ckpt_dir: Path, output: Path) -> None:
    """Writes a folder for the library transformers.

    It holds config.json, model.safetensors, vocab.txt and tokenizer_config.json.

    Args:
        ckpt_dir: a checkpoint of pre-training or fine-tuning. Of a fine-tuned one the backbone is
            written, without the head of its task.
        output: the folder, written whole or not at all.

    Raises:
        CheckpointError, ConfigError, InputError, OptionError: the checkpoint is not of the
            architecture of one of `conversion.registry.FAMILIES`, or the output folder is taken.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OptionError(f"{output}: this exists already; name a new folder.")
    checkpoint = read_checkpoint(ckpt_dir)
    family = family_of_backbone(checkpoint.backbone)
    try:
        config = release_from_config(family, checkpoint.backbone)
    except ConfigError as error:
        raise CheckpointError(f"{ckpt_dir}: {error}") from error
    vocabulary = Vocabulary.load(checkpoint.path("vocab.txt"))
    tokenizer = load_tokenizer(checkpoint.path("tokenizer.json"), vocabulary)
    if tokenizer.style != "wordpiece":
        raise CheckpointError(
            f"{ckpt_dir}: its tokenize_style is {tokenizer.style!r}, not 'wordpiece': BERT's "
            "tokenizer would split text into other tokens."
        )
    if tokenizer.normalize != "none":
        logger.warning(
            "%s: BERT's tokenizer does not know --normalize=%s: normalize text before it",
            ckpt_dir,
            tokenizer.normalize,
        )
    if not stored_tuning(checkpoint.config).is_mergeable:
        raise CheckpointError(
            f"{ckpt_dir}: its backbone has adapters, for which a {family.model_type} has no place. "
            "Fine-tune with another --tuning."
        )
    found = released_tensors(load_model(checkpoint), family)
    config = {
        "pad_token_id": vocabulary.pad_id,
        **config,
        "architectures": [found.architecture],
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
    with whole_folder(output) as folder:
        (folder / "config.json").write_bytes(to_json(config))
        (folder / TOKENIZER_CONFIG).write_bytes(to_json(settings))
        (folder / VOCABULARY).write_bytes(text_files(tokenizer, vocabulary)["vocab.txt"].encode())
        save_file(found.tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if "task" in checkpoint.config:
        logger.warning("the head of %s is left out", ckpt_dir)
    elif found.left_out:
        parts = ", ".join(found.left_out)
        logger.warning("left out, because %s has no place for it: %s", found.architecture, parts)
    summary = f"{found.architecture} with {len(found.tensors)} tensors"
    logger.info("%s: %s, for transformers' from_pretrained", output, summary)
