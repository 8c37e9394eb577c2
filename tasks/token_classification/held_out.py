"""Labelled texts of which a part is held out for validation or for a test."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from data_util.labelled.split_examples import SplitExample
from data_util.reading.settings import Reading
from tasks.token_classification.passages import joined
from tasks.token_classification.records import TaggedText, labelled_texts
from tasks.token_classification.tags import OUTSIDE, parts_of


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
