"""The options that say how data files are read, for all commands that read them."""

from dataclasses import dataclass
from typing import Any

from common.options import Options, option
from data_util.choices import DEFAULT_LABEL_FIELD
from data_util.reading.settings import Reading


@dataclass(frozen=True)
class TextFileOptions(Options):
    """The data files"""

    text_field: list[str] = option(
        [],
        "key (JSON) or column (table) of the text, for pairs two with a comma between them; "
        "default: fact, text or sentence, for pairs text_a,text_b or sentence1,sentence2",
    )
    pairs: bool | None = option(
        None,
        "whether a tab separates the two texts of a pair (true), or is white space (false); "
        "default: pairs if the first line has exactly one tab",
    )
    encoding: str = option("utf-8", "of text files, such as gb18030, big5 or cp1252")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reading()

    def reading(self) -> Reading:
        """The settings of the readers.

        Raises:
            OptionError: the options contradict each other, or there is no such encoding.
        """
        values: dict[str, Any] = {"text_field": tuple(self.text_field), "pairs": self.pairs}
        # Those of `LabelOptions`, where the command, or its task, has them.
        for name in ("label_field", "label_separator"):
            if hasattr(self, name):
                values[name] = getattr(self, name)
        return Reading(encoding=self.encoding, **values)


@dataclass(frozen=True)
class LabelOptions(Options):
    """The labels in the data files"""

    label_field: str = option(
        DEFAULT_LABEL_FIELD,
        "key (JSON) or column (table) of the labels; the default is that of CAIL2018 (as is "
        "relevant_articles) and stands for label and labels too",
    )
    label_separator: str = option(
        "",
        "what stands between several labels in one text of JSON or of a table, such as | or ;; "
        "default: such a text is one label",
    )
