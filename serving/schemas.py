"""What requests and answers look like; FastAPI checks by it and writes it to /openapi.json."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, create_model

_STRICT = ConfigDict(extra="forbid")


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="a word for programs", examples=["invalid_request"])
    message: str = Field(description="a sentence for people")
    where: str | None = Field(None, description="the part of the request that it is about")


class ErrorAnswer(BaseModel):
    """The answer to every request that failed."""

    error: ErrorDetail


class LabelProbability(BaseModel):
    """How likely a label is."""

    label: str
    probability: float = Field(ge=0, le=1)


class Prediction(BaseModel):
    """What one text got, likeliest label first."""

    labels: list[LabelProbability]
    top: list[LabelProbability] | None = None


class PredictAnswer(BaseModel):
    """A prediction for each text, in the order of the request."""

    results: list[Prediction]


class LabelThreshold(BaseModel):
    """From which probability on a label is given."""

    label: str
    threshold: float


class LabelsAnswer(BaseModel):
    """What the checkpoint knows."""

    task: str
    labels: list[LabelThreshold]


class HealthAnswer(BaseModel):
    """The service can answer."""

    status: Literal["ok"] = "ok"


class ExplainedPart(BaseModel):
    """A piece of the text and how much it speaks for the label."""

    start: int = Field(description="its first character (in Unicode code points)")
    end: int = Field(description="one past its last character")
    importance: float = Field(description="by how much covering it lowers the log-odds")


class ExplainedText(BaseModel):
    """Which characters of a text speak for a label."""

    parts: list[ExplainedPart]
    characters_read: int = Field(description="what stands behind was cut off")


class ExplainAnswer(LabelProbability, ExplainedText):
    """Which characters speak for a label."""


class ExplainPairAnswer(LabelProbability):
    """Which characters of two texts speak for a label."""

    text_a: ExplainedText
    text_b: ExplainedText


@dataclass(frozen=True)
class RequestModels:
    """The checked bodies of /v1/predict and /v1/explain."""

    predict: Any
    explain: Any


def request_models(
    *, max_texts: int, max_characters: int, labels: tuple[str, ...], takes_pairs: bool
) -> RequestModels:
    """The requests that a checkpoint takes, with the service's limits in them.

    Args:
        max_texts: texts in a request.
        max_characters: characters in a text.
        labels: the checkpoint's.
        takes_pairs: whether a document of the checkpoint is a pair of texts.
    """
    text: Any = Annotated[str, Field(max_length=max_characters)]
    pair = create_model(
        "Pair",
        __config__=_STRICT,
        __doc__="Two texts that are labelled together.",
        text_a=(text, ...),
        text_b=(text, ...),
    )
    one: Any = pair if takes_pairs else text
    several: Any = Annotated[list[one], Field(min_length=1, max_length=max_texts)]
    either = Annotated[
        Annotated[one, Tag("one")] | Annotated[several, Tag("several")], Discriminator(_kind)
    ]
    what = "a pair of texts or a list of them" if takes_pairs else "a text or a list of texts"
    example: Any = {"text_a": "...", "text_b": "..."} if takes_pairs else "被告人盗窃手机一部。"
    whole: Any = Annotated[int, BeforeValidator(_whole)]
    predict = create_model(
        "PredictRequest",
        __config__=_STRICT,
        __doc__="What is to be labelled.",
        input=(either, Field(description=what, examples=[example])),
        top_k=(
            whole,
            Field(0, strict=True, ge=0, le=1000, description="also the K likeliest labels"),
        ),
    )
    label: Any = (Literal[labels] | None, Field(None, description="default: the likeliest"))
    explain = create_model(
        "ExplainRequest",
        __config__=_STRICT,
        __doc__="What was labelled, and the label that is to be explained.",
        input=(one, Field(description="a pair" if takes_pairs else "a text", examples=[example])),
        label=label,
    )
    return RequestModels(predict, explain)


def _whole(value: Any) -> Any:
    """JSON does not tell 3.0 from 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kind(value: Any) -> str:
    return "several" if isinstance(value, list) else "one"
