"""The result for a text: its labels and their probabilities."""

from dataclasses import dataclass


@dataclass
class LabelProbability:
    """A label and its probability.

    Attributes:
        label: its name.
        probability: from 0 to 1.
    """

    label: str
    probability: float


@dataclass
class Labelling:
    """The labels of a text.

    Attributes:
        labels: the predicted ones, most probable first.
        top: the most probable labels, if requested.
    """

    labels: list[LabelProbability]
    top: list[LabelProbability] | None = None
