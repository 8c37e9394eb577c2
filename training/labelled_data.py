"""The labelled splits of a fine-tuning run: one label set, one tokenizer, a cache for each."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import InputError, OptionError
from data_util.classification_data import (
    ClassificationBatches,
    LabelledCorpus,
    build_vocabulary,
    count_labels,
    holds_pairs,
    prepare_labelled_data,
)
from data_util.documents import places_of, read_documents
from data_util.labels import LabelSet
from data_util.tokenizers import Tokenizer
from data_util.vocabulary import Vocabulary
from models.checkpoints.folder import Checkpoint
from training import setup
from training.options import FineTuningOptions
from training.test_mode import document_limit

logger = logging.getLogger(__name__)

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class LabelledData:
    """The text side of step 2.

    Attributes:
        tokenizer, vocabulary: the checkpoint's, or new ones made from the training documents.
        labels: those of the training documents by falling frequency, then what only the other
            splits have.
        corpora: "train", "valid" and, where there is one, "test".
        batches: of the same splits.
        pairs: whether the documents are pairs of texts.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    labels: LabelSet
    corpora: dict[str, LabelledCorpus]
    batches: dict[str, ClassificationBatches]
    pairs: bool

    def targets(self, split: str) -> np.ndarray:
        """(documents, labels) bool: the true labels of a split."""
        return multi_hot(self.corpora[split], len(self.labels))


def split_files(options: FineTuningOptions) -> dict[str, list[str]]:
    """The source files of each split that the options name."""
    named = {split: getattr(options, f"{_option(split)}_data_file") for split in SPLITS}
    for split in ("train", "valid"):
        if not named[split]:
            raise OptionError(f"--{_option(split)}_data_file= is empty: name at least one file.")
    return {split: files for split, files in named.items() if files}


def load_labelled_data(options: FineTuningOptions, checkpoint: Checkpoint | None) -> LabelledData:
    """Reads the labelled files with the checkpoint's tokenizer, or with a new one."""
    files = split_files(options)
    limit = document_limit(options)
    pairs = holds_pairs([path for paths in files.values() for path in paths], options.label_field)
    if pairs and options.sequence_length < 5:
        raise OptionError(
            f"--sequence_length={options.sequence_length}: two texts, [CLS] and two [SEP] need 5."
        )
    labels = _label_set(options, files)
    if checkpoint is not None:
        tokenizer, vocabulary = setup.restored_tokenizer(options, checkpoint)
    else:
        given = setup.given_vocabulary(options)
        tokenizer = setup.new_tokenizer(options, given)
        vocabulary = given or build_vocabulary(
            files["train"],
            tokenizer,
            vocab_size=options.vocab_size or setup.DEFAULT_VOCAB_SIZE,
            min_count=options.min_count or setup.DEFAULT_MIN_COUNT,
            label_field=options.label_field,
            max_documents=limit,
            processes=setup.processes(options),
        )
    corpora = {
        split: prepare_labelled_data(
            paths,
            tokenizer,
            vocabulary,
            labels,
            label_field=options.label_field,
            cache_folder=setup.cache_folder(options),
            processes=setup.processes(options),
            max_documents=limit,
            test_mode=options.test_mode,
        )
        for split, paths in files.items()
    }
    train_ids = corpora["train"].ids
    unknown = int(np.count_nonzero(train_ids == vocabulary.unk_id))
    setup.check_vocabulary_fits(unknown, len(train_ids), vocabulary, files["train"])
    if options.task == "multi_class":
        _check_one_label(options, files, corpora)
    batches = {
        split: ClassificationBatches(
            corpus,
            len(labels),
            vocabulary,
            sequence_length=options.sequence_length,
            batch_size=options.batch_size,
            seed=options.seed,
            shuffle=split == "train",
            stream=split,
        )
        for split, corpus in corpora.items()
    }
    cut = {split: batches[split].n_cut for split in batches if batches[split].n_cut}
    if cut:
        parts = ", ".join(
            f"{n:,} of {len(corpora[split]):,} in {split}" for split, n in cut.items()
        )
        logger.warning(
            "%s longer than --sequence_length=%d are cut: %s",
            "pairs" if pairs else "documents",
            options.sequence_length,
            parts,
        )
    return LabelledData(tokenizer, vocabulary, labels, corpora, batches, pairs)


def multi_hot(corpus: LabelledCorpus, num_labels: int) -> np.ndarray:
    """(documents, labels) bool: the labels of every document of a corpus, in its order."""
    targets = np.zeros((len(corpus), num_labels), dtype=bool)
    documents = np.repeat(np.arange(len(corpus)), np.diff(corpus.label_offsets))
    targets[documents, corpus.label_ids] = True
    return targets


def training_places(options: FineTuningOptions, documents: np.ndarray) -> list[str]:
    """Where training documents stand, by their numbers: "file:line"."""
    return places_of(
        documents,
        options.training_data_file,
        labelled=True,
        label_field=options.label_field,
        max_documents=document_limit(options),
    )


def _option(split: str) -> str:
    return "training" if split == "train" else split


def _label_set(options: FineTuningOptions, files: dict[str, list[str]]) -> LabelSet:
    limit = document_limit(options)
    counts = {
        split: count_labels(paths, options.label_field, limit) for split, paths in files.items()
    }
    labels = LabelSet.from_counts(counts["train"])
    known = set(labels.labels)
    unseen: dict[str, None] = {}
    for split in [split for split in files if split != "train"]:
        new = sorted(label for label in counts[split] if label not in known)
        if new:
            documents = sum(counts[split][label] for label in new)
            logger.warning(
                "%s has %d labels that train does not have (%s%s): they are kept, and count as "
                "missed %d times",
                split,
                len(new),
                ", ".join(new[:5]),
                ", ..." if len(new) > 5 else "",
                documents,
            )
        unseen.update(dict.fromkeys(new))
    return LabelSet((*labels.labels, *unseen))


def _check_one_label(
    options: FineTuningOptions, files: dict[str, list[str]], corpora: dict[str, LabelledCorpus]
) -> None:
    for split, paths in files.items():
        wrong = np.flatnonzero(np.diff(corpora[split].label_offsets) != 1)
        if len(wrong):
            raise InputError(
                "--task=multi_class wants exactly one label a document; this one has several. "
                "Use --task=multi_label.",
                *_place(paths, options.label_field, int(wrong[0])),
            )


def _place(paths: Sequence[str], label_field: str, index: int) -> tuple[str | None, int | None]:
    for number, document in enumerate(
        read_documents(paths, labelled=True, label_field=label_field)
    ):
        if number == index:
            return document.path, document.line
    return None, None
