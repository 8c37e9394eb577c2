"""The records of a request."""

from typing import Any

from common.errors import InputError
from serving.errors import RefusalError
from serving.schemas import RequestModels
from tasks.base import Record, Task


def records_of(task: Task, requests: RequestModels, given: Any) -> list[Record]:
    """The records of the inputs of a request.

    Args:
        task: of the checkpoint.
        requests: the models of its requests.
        given: an input, or a list of inputs, as `requests` has them.

    Raises:
        RefusalError: the checkpoint can make nothing of one; says which.
    """
    if not isinstance(given, list):
        return [_record(task, requests, given, "input")]
    return [_record(task, requests, one, f"input.{place}") for place, one in enumerate(given)]


def _record(task: Task, requests: RequestModels, one: Any, where: str) -> Record:
    try:
        return task.record(requests.values(one))
    except InputError as error:
        raise RefusalError(422, error.message, where) from None
