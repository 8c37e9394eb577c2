"""Labelled texts as they are checked, and as a part of them is held out."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from common.errors import InputError
from data_util.labelled.checked_examples import Checked, CheckedExample
from data_util.labelled.split_examples import SplitExample
from data_util.reading.settings import Reading
from tasks.token_classification.passages import joined
from tasks.token_classification.records import (
    TaggedText,
    TaggedWords,
    converted,
    labelled_texts,
    read_stream,
)
from tasks.token_classification.tags import OUTSIDE, parts_of, scheme_of

_SHOWN_ENTITIES = 5


def check_examples(path: Path, reading: Reading) -> Iterator[Checked]:
    """See `Task.check_examples`; the scheme of tags is what all texts of the file fit."""
    with path.open("rb") as file:
        # All of them: what a tag means depends on those of the other texts.
        found = list(read_stream(file, str(path), reading, "outermost"))
    scheme = scheme_of([each.tags for _, each in found if isinstance(each, TaggedWords)])
    for line, each in found:
        if isinstance(each, TaggedWords):
            try:
                kind = f"words with tags, which are read as {scheme}"
                yield line, _checked(converted(each, scheme, str(path), line), kind)
            except InputError as error:
                yield error.line or line, error
        elif isinstance(each, TaggedText):
            yield line, _checked(each, "texts with entities")
        else:
            yield line, each


def _checked(tagged: TaggedText, kind: str) -> CheckedExample:
    text, entities = tagged.passage.text, tagged.entities
    shown = [f"{text[start:end]}: {label}" for label, start, end in entities[:_SHOWN_ENTITIES]]
    shown += ["..."] * (len(entities) > _SHOWN_ENTITIES)
    dropped = "have entities within others: --nested_entities=outermost leaves them out"
    return CheckedExample(
        tagged.line,
        (text,),
        truth=entities,
        shown=", ".join(shown),
        labels=tuple(entity.label for entity in entities),
        oddities=(dropped,) if tagged.dropped else (),
        kind=kind,
    )


def split_examples(
    files: Sequence[Path], reading: Reading, max_examples: int | None
) -> Iterator[SplitExample]:
    """See `Task.split_examples`."""
    paths = list(map(str, files))
    for path, each, line in islice(labelled_texts(paths, reading, "outermost"), max_examples):
        record: dict[str, Any] = {"source": f"{path}:{line}"}
        if isinstance(each, TaggedText):
            entities = [*each.entities, *each.dropped]
            labels = [entity.label for entity in entities]
            name = (*reading.text_field, "text")[0]
            record |= {name: each.passage.text, "entities": list(map(list, entities))}
            yield SplitExample(each.passage.text, tuple(dict.fromkeys(labels)), record)
        else:
            record |= {"tokens": each.words, "tags": each.tags}
            labels = [parts_of(tag)[1] for tag in each.tags if tag != OUTSIDE]
            yield SplitExample(joined(each.words).text, tuple(dict.fromkeys(labels)), record)
