"""What a text gets: its labels and their probabilities."""

from dataclasses import dataclass


@dataclass
class LabelProbability:
    """How likely a label is.

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
        top: the most probable ones, where they were asked for.
    """

    labels: list[LabelProbability]
    top: list[LabelProbability] | None = None
