"""The schemas of requests and answers, for FastAPI's checks and /openapi.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

UNKNOWN_KEY = "unknown_key"


class Strict(BaseModel):
    """A part of a request, which has no keys but its own.

    pydantic would make an error of each unknown key, of which a body of 2 MB may have 200,000.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _stop_at_the_first_unknown_key(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    try:
                        key.encode()
                    except UnicodeEncodeError:
                        # pydantic cannot tell half of a surrogate pair.
                        raise PydanticCustomError("string_unicode", "not Unicode") from None
                    message = "Extra inputs are not permitted"
                    raise PydanticCustomError(UNKNOWN_KEY, message, {"key": key})
        return data


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="a code for programs", examples=["invalid_request"])
    message: str = Field(description="a message for the user")
    where: str | None = Field(None, description="the part of the request that is at fault")


class ErrorAnswer(BaseModel):
    """The answer to every request that failed."""

    error: ErrorDetail


class LabelThreshold(BaseModel):
    """A label, and the probability from which it is predicted, where there is one."""

    label: str
    threshold: float | None = None


class LabelsAnswer(BaseModel):
    """The task and the labels of the checkpoint."""

    task: str
    labels: list[LabelThreshold]


class ModelAnswer(BaseModel):
    """Which model answers, how good it is, and what the service takes."""

    name: str = Field(description="of the checkpoint's folder")
    task: str
    exclusive: bool = Field(description="each text has exactly one label, whatever the thresholds")
    backbone: str
    labels: int = Field(description="the number of labels")
    sequence_length: int = Field(description="the most tokens that are read of a text")
    test_mode: bool = Field(description="made in --test_mode: the labels mean nothing")
    metrics: dict[str, float] = Field(description="see metrics.json in docs/formats.md")
    measured_on: Literal["test", "valid"] = Field(description="the documents of the metrics")
    examples_measured: int | None = Field(description="the number of these documents")
    max_texts: int = Field(description="the most texts in a request")
    max_characters: int = Field(description="the most characters in a text")
    max_body_bytes: int = Field(description="the most bytes of a request")
    examples: list[dict[str, Any]] = Field(description="inputs to try")


class HealthAnswer(BaseModel):
    """The service can answer."""

    status: Literal["ok"] = "ok"


class ExplainedPart(BaseModel):
    """A span of the text and how much it supports the label."""

    start: int = Field(description="its first character (in Unicode code points)")
    end: int = Field(description="one past its last character")
    importance: float = Field(description="how much covering it lowers the log-odds")


class ExplainedText(BaseModel):
    """Which characters of a text support a label."""

    parts: list[ExplainedPart]
    characters_read: int = Field(description="the text after them was truncated")


class ExplainedLabel(BaseModel):
    """The label that is explained."""

    label: str
    probability: float = Field(ge=0, le=1)


def predict_answer(result_type: type) -> Any:
    """The answer of /v1/predict: one result per input, in the order of the request.

    Args:
        result_type: a dataclass that describes a result.
    """
    return create_model("PredictAnswer", results=(list[result_type], ...))  # type: ignore[valid-type]


def explain_answer(fields: Sequence[str]) -> Any:
    """The answer of /v1/explain: which characters of each text of an input support a label."""
    if len(fields) == 1:
        return create_model("ExplainAnswer", __base__=(ExplainedLabel, ExplainedText))
    texts: dict[str, Any] = dict.fromkeys(fields, (ExplainedText, ...))
    return create_model("ExplainAnswer", __base__=ExplainedLabel, **texts)


@dataclass(frozen=True)
class RequestModels:
    """The models of the requests' bodies.

    Attributes:
        predict, explain: of /v1/predict and /v1/explain.
        fields: of an input.
    """

    predict: Any
    explain: Any
    fields: tuple[str, ...]

    def values(self, one: Any) -> dict[str, Any]:
        """The values of an input by field."""
        if len(self.fields) == 1 and isinstance(one, str):
            return {self.fields[0]: one}
        return {name: getattr(one, name) for name in self.fields}


def request_models(
    fields: Mapping[str, Any],
    *,
    max_texts: int,
    max_characters: int,
    labels: tuple[str, ...],
    defaults: Mapping[str, Any] | None = None,
) -> RequestModels:
    """Makes the models of the requests that a checkpoint takes, with the service's limits.

    Args:
        fields: what an input consists of: `str` or `list[str]` by name; see `tasks.base.Task`.
        max_texts: the most inputs in a request, and texts in a list.
        max_characters: the most characters in a text.
        labels: those that can be explained.
        defaults: the values of fields that may be left out.
    """
    text: Any = Annotated[str, Field(max_length=max_characters)]
    texts: Any = Annotated[list[text], Field(min_length=1, max_length=max_texts)]
    one: Any = text
    what, example = "a text or a list of texts", cast(Any, "被告人盗窃手机一部。")
    if list(fields.values()) != [str]:
        kinds: dict[str, Any] = {
            name: (text if kind is str else texts, (defaults or {}).get(name, ...))
            for name, kind in fields.items()
        }
        one = create_model("Input", __base__=Strict, __doc__="One input.", **kinds)
        what = f"an object with {', '.join(fields)}, or a list of such objects"
        example = {name: "..." if kind is str else ["..."] for name, kind in fields.items()}
    several: Any = Annotated[list[one], Field(min_length=1, max_length=max_texts)]
    either = Annotated[
        Annotated[one, Tag("one")] | Annotated[several, Tag("several")], Discriminator(_kind)
    ]
    predict = create_model(
        "PredictRequest",
        __base__=Strict,
        __doc__="The input, or a list of inputs, to predict.",
        input=(either, Field(description=what, examples=[example])),
        top_k=(
            int,
            # Strict: neither true nor 3.0, which JSON Schema counts among the integers.
            Field(0, strict=True, ge=0, le=1000, description="also give the K most probable ones"),
        ),
    )
    explain = None
    if labels:
        label: Any = (
            Literal[labels] | None,
            Field(None, description="default: the most probable one"),
        )
        explain = create_model(
            "ExplainRequest",
            __base__=Strict,
            __doc__="The input, and the label to explain.",
            input=(one, Field(description="an input", examples=[example])),
            label=label,
        )
    return RequestModels(predict, explain, tuple(fields))


def _kind(value: Any) -> str:
    return "several" if isinstance(value, list) else "one"
