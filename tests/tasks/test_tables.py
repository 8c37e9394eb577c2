from dataclasses import dataclass

from tasks.tables import Tabular


@dataclass
class Choice:
    choice: int | None
    probabilities: list[float]


class Choices(Tabular):
    result_type = Choice


def test_records_and_results():
    task = Choices()
    task.fields = {"question": str, "options": list[str]}
    assert task.values(("which", ["a", "b"])) == {"question": "which", "options": ["a", "b"]}
    assert task.columns(3) == ["choice", "probabilities"]
    assert task.cells({"choice": 1, "error": "e"}, 3) == [1, None]
    task.fields = {"options": list[str]}
    assert task.values(("a", "b")) == {"options": ("a", "b")}
