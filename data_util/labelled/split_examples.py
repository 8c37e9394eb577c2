"""Labelled examples as a split sees them: what stays together, and what is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_util.labelled.build_corpus import holds_pairs
from data_util.reading.documents import Document, read_documents
from data_util.reading.fields import LABEL_FIELDS, PAIR_FIELDS, TEXT_FIELDS
from data_util.reading.settings import DEFAULT_READING, Reading

# A text, or several of them.
Texts = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitExample:
    """A labelled example, as far as a split is concerned.

    Attributes:
        texts: examples that have these in common, but for white space, stay together.
        labels: each split gets its share of the examples of each label.
        record: a JSON object from which the example is read again with the same settings.
    """

    texts: Texts
    labels: Sequence[str] = ()
    record: Mapping[str, Any] = field(default_factory=dict)


# Reads the examples of files, given also how to read them and the most examples to read.
ReadExamples = Callable[[Sequence[Path], Reading, int | None], Iterator[SplitExample]]


def labelled_documents(
    files: Sequence[Path], reading: Reading, max_documents: int | None
) -> Iterator[SplitExample]:
    """Labelled documents, those without labels included."""
    reading = reading.replace(keep_unlabelled=True)
    reading = reading.replace(pairs=holds_pairs(files, reading))
    for document in read_documents(
        files, labelled=True, reading=reading, max_documents=max_documents
    ):
        yield SplitExample(document.texts, document.labels, _record(document, reading))


def _record(document: Document, reading: Reading) -> dict[str, Any]:
    """A record that is read with the same settings as the file that it comes from."""
    texts = (document.text,) if document.text_b is None else (document.text, document.text_b)
    fields = reading.text_field or (PAIR_FIELDS[0] if len(texts) == 2 else TEXT_FIELDS[1:2])
    record: dict[str, Any] = dict(zip(fields, texts, strict=False))
    default = reading.label_field == DEFAULT_READING.label_field
    record[LABEL_FIELDS[1] if default else reading.label_field] = list(document.labels)
    record["source"] = f"{document.path}:{document.line}"
    if document.id is not None:
        record["id"] = document.id
    return record
