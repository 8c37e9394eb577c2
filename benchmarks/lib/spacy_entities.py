"""spaCy's recognizer of named entities, trained on the same files."""

import logging
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.lib.measuring import needed
from common.progress import Progress
from tasks.token_classification.metrics import counts_by_label, entity_metrics
from tasks.token_classification.records import TaggedText, read_splits
from tasks.token_classification.tags import Entity

PEER_PACKAGE = 'pip install "spacy>=3.8"'
DROPOUT, BATCH_SIZE = 0.1, 8


def spacy_entities(files: Mapping[str, Path], epochs: int, seed: int = 1) -> dict[str, float]:
    """A blank Chinese pipeline, whose tokens are characters, with the defaults of its component.

    The epoch with the best F1 on the validation texts counts, as with the networks.

    Args:
        files: by split, as `benchmarks.lib.ner_table.prepared` writes them.
        epochs: of training.
        seed: of the weights and of the order of the texts.

    Returns:
        The metrics of the test texts.
    """
    spacy = needed("spacy", PEER_PACKAGE)
    from spacy.training import Example

    logging.getLogger("spacy").setLevel(logging.WARNING)
    splits, _ = read_splits({split: [str(path)] for split, path in files.items()})
    spacy.util.fix_random_seed(seed)
    pipeline = spacy.blank("zh")
    pipeline.add_pipe("ner")

    def example(text: TaggedText) -> Any:
        spans = [(start, end, label) for label, start, end in text.entities]
        return Example.from_dict(pipeline.make_doc(text.passage.text), {"entities": spans})

    train, valid = (list(map(example, splits[split])) for split in ("train", "valid"))
    optimizer = pipeline.initialize(lambda: train)
    order, best, kept = random.Random(seed), -1.0, b""
    with Progress("spaCy", epochs * len(train)) as progress:
        for epoch in range(epochs):
            order.shuffle(train)
            for batch in spacy.util.minibatch(train, BATCH_SIZE):
                pipeline.update(batch, sgd=optimizer, drop=DROPOUT)
                progress.advance(len(batch), f"epoch {epoch + 1}/{epochs}")
            with progress.aside("validation"):
                f1 = pipeline.evaluate(valid)["ents_f"] or 0.0
            if f1 > best:
                best, kept = f1, pipeline.to_bytes()
    pipeline.from_bytes(kept)
    test = splits["test"]
    found = pipeline.pipe(text.passage.text for text in test)
    predicted = [
        [Entity(span.label_, span.start_char, span.end_char) for span in document.ents]
        for document in found
    ]
    return entity_metrics(counts_by_label([text.entities for text in test], predicted))
