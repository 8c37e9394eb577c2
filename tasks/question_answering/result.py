"""The result for a question: a part of its passage, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks.tables import Tabular

# By whether they are Chinese.
_EXAMPLES = {
    True: ("被告人盗窃了什么？", "2019年3月5日，被告人朱某某在商店盗窃手机一部，当日被抓获归案。"),
    False: ("What was stolen?", "On 5 March a phone was stolen from the shop in Mill Lane."),
}


@dataclass
class PossibleAnswer:
    """An answer, or that there is none.

    Attributes:
        answer: the part of the passage; None: there is no answer in it.
        start: its first character in the passage, in Unicode code points; None if there is none.
        end: one past its last character; None if there is none.
        probability: of this answer, or of there being none, among all of them; from 0 to 1.
    """

    answer: str | None
    start: int | None
    end: int | None
    probability: float | None


@dataclass
class FoundAnswer(PossibleAnswer):
    """The answer to a question.

    Attributes:
        top: the most probable ones, if requested.
    """

    top: list[PossibleAnswer] | None = None


class AnswerTable(Tabular):
    """The part of the task that names the columns of its records and results."""

    fields: Mapping[str, Any] = {"question": str, "context": str}
    result_type: ClassVar[type] = FoundAnswer

    def empty_result(self) -> dict[str, Any]:
        """No answer, and no probability of that."""
        return {"answer": None, "start": None, "end": None, "probability": None}

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        return [dict(zip(self.fields, _EXAMPLES[chinese], strict=True))]

    def columns(self, top_k: int = 0) -> list[str]:
        """Those of the answer, then those of the `top_k` most probable ones."""
        names = ["answer", "start", "end", "probability"]
        return names + [f"{name}_{rank}" for rank in range(1, top_k + 1) for name in names]

    def cells(self, result: Mapping[str, Any], top_k: int = 0) -> list[Any]:
        """The values of `columns`."""
        entries = [result, *result.get("top", [])[:top_k]]
        entries += [self.empty_result()] * (top_k + 1 - len(entries))
        return [entry[name] for entry in entries for name in self.columns()]
