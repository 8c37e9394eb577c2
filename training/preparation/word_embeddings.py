"""Initializes a new backbone's token embedding from a file of pre-trained word vectors."""

import dataclasses
import logging

from common.errors import OptionError
from data_util.reading.sources import check_paths
from data_util.tokens.vocabulary import Vocabulary
from data_util.tokens.word_vectors import WordVectors, read_word_vectors
from models.backbones.base import Backbone
from models.config import BackboneConfig
from training.options.groups import ModelOptions

logger = logging.getLogger(__name__)


def check_options(options: ModelOptions, checkpoint_option: str) -> None:
    """Checks the options of word vectors before any work is done.

    Args:
        options: of pre-training or fine-tuning.
        checkpoint_option: the option that names the checkpoint to start from.

    Raises:
        OptionError: one of the two options is given without the other, or with a checkpoint.
        InputError: the file cannot be read.
    """
    path, folder = options.word2vec_model_path, getattr(options, checkpoint_option)
    if not options.use_pretrained_embedding:
        if path:
            raise OptionError(
                f"--word2vec_model_path={path} requires --use_pretrained_embedding: add it, or "
                "leave the file out."
            )
        return
    if not path:
        raise OptionError(
            "--use_pretrained_embedding: name the file of word vectors with --word2vec_model_path."
        )
    if folder:
        raise OptionError(
            f"--use_pretrained_embedding contradicts --{checkpoint_option}={folder}: the "
            f"checkpoint has its own token vectors. Leave it out, or give --{checkpoint_option}= "
            "(empty) to start from random weights."
        )
    check_paths([path])


def read(options: ModelOptions, vocabulary: Vocabulary, seed: int) -> WordVectors | None:
    """Reads the vectors of the vocabulary's tokens; None without --use_pretrained_embedding."""
    if not options.use_pretrained_embedding:
        return None
    return read_word_vectors(options.word2vec_model_path, vocabulary, seed=seed)


def fitted(config: BackboneConfig, vectors: WordVectors | None) -> BackboneConfig:
    """Sets the embedding width of an architecture to that of the vectors.

    If it differs from `d_model`, the backbone projects the vectors rather than truncating them.
    """
    if vectors is None or vectors.dimension == config.d_model:
        return config
    logger.info(
        "the vectors of %d values are projected to d_model %d", vectors.dimension, config.d_model
    )
    return dataclasses.replace(config, embedding_width=vectors.dimension)


def fill(backbone: Backbone, vectors: WordVectors | None) -> None:
    """Sets the token embedding of a built backbone to the vectors, if there are any."""
    if vectors is not None:
        backbone.token_embedding.embeddings.assign(vectors.values)
