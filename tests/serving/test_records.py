"""What a checkpoint can make nothing of is refused, with the place of the input."""

import pytest

from common.errors import InputError
from serving.errors import RefusalError
from serving.records import records_of
from serving.schemas import request_models


class Shouting:
    """A task that takes nothing in lower case."""

    def record(self, values):
        if values["text"].islower():
            raise InputError("this is too quiet: write it in capitals")
        return values["text"]


def test_records_and_refusals():
    requests = request_models({"text": str}, max_texts=9, max_characters=9, labels=())
    task = Shouting()
    assert records_of(task, requests, "A") == ["A"]
    assert records_of(task, requests, ["A", " "]) == ["A", " "]
    for given, where in (("a", "input"), (["A", "B", "a", "b"], "input.2")):
        with pytest.raises(RefusalError, match="too quiet: write it in capitals") as raised:
            records_of(task, requests, given)
        assert (raised.value.status, raised.value.where) == (422, where)
