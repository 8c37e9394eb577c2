"""Other checkouts of this project, with the option names of their version."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Names in version 0.1.0 of what was renamed since.
_FLAGS_OF_0_1 = {
    "num_sampled": "masked_lm_candidates",
    "warmup_ratio": "warmup_share",
    "valid_ratio": "valid_share",
    "line_unit": "source_unit",
    "tfidf_classifier": "bag_of_words",
}
_ARGUMENTS_OF_0_1 = {
    "--head=max_pooled": ("--head=detectors",),
    "--objectives=masked_lm": ("--masked_lm=true", "--next_sentence=false"),
    "--objectives=next_sentence": ("--masked_lm=false", "--next_sentence=true"),
    "--objectives=masked_lm,next_sentence": ("--masked_lm=true", "--next_sentence=true"),
    "conversion.export": ("models.export",),
    "conversion.import_released": ("models.import_bert",),
    "conversion.export_released": ("models.export_bert",),
}


@dataclass(frozen=True)
class Checkout:
    """A folder with the code of some version of this project.

    Attributes:
        path: its root folder.
        interpreter: the Python that runs it; None for that of its `.venv`.
    """

    path: Path
    interpreter: Path | None = None

    @cached_property
    def version(self) -> str:
        """The version in `pyproject.toml`."""
        with (self.path / "pyproject.toml").open("rb") as file:
            return tomllib.load(file)["project"]["version"]

    @property
    def python(self) -> Path:
        """The interpreter. Links are not resolved: in a virtual environment it is a link."""
        return (self.interpreter or self.path / ".venv" / "bin" / "python").absolute()

    def translate(self, arguments: Sequence[str]) -> list[str]:
        """Translates a script and its options to the names of this version."""
        return arguments_for(self.version, arguments)


def arguments_for(version: str, arguments: Sequence[str]) -> list[str]:
    """Translates the arguments of a run to the names of a version of the code."""
    if version != "0.1.0":
        return list(arguments)
    translated: list[str] = []
    for argument in arguments:
        name, sign, value = argument.removeprefix("--").partition("=")
        if argument in _ARGUMENTS_OF_0_1:
            translated += _ARGUMENTS_OF_0_1[argument]
        elif sign and name in _FLAGS_OF_0_1:
            translated.append(f"--{_FLAGS_OF_0_1[name]}={value}")
        else:
            translated.append(argument)
    return translated
