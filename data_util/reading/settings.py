"""How data files are read: the settings that every reader takes."""

from dataclasses import dataclass, replace
from typing import Self

from common.errors import OptionError
from data_util.choices import DEFAULT_LABEL_FIELD


@dataclass(frozen=True, slots=True)
class Reading:
    """How data files are read, whatever their format.

        >>> Reading(text_field=("title", "body"), label_field="topic")
        Reading(text_field=('title', 'body'), label_field='topic', ...)

    Attributes:
        text_field: the key of a JSON record, or the column of a table, that holds the text; two of
            them for pairs of texts. `()`: those of `data_util.reading.fields.TEXT_FIELDS` and
            `PAIR_FIELDS`. A dot leads into an object: `meta.title`.
        label_field: the key or column of the labels. The default is that of CAIL2018, and stands
            for `label` and `labels` too.
        label_separator: what stands between several labels in one text; "": a text is one label.
        pairs: whether a tab separates the two texts of a pair; None: if the first line has one.
        encoding: of text files.
        keep_unlabelled: whether a labelled document without labels is one that has none, rather
            than an error (a line of text) or left out (a record).

    Raises:
        OptionError: there is no such encoding, or there are more than two text fields.
    """

    text_field: tuple[str, ...] = ()
    label_field: str = DEFAULT_LABEL_FIELD
    label_separator: str = ""
    pairs: bool | None = None
    encoding: str = "utf-8"
    keep_unlabelled: bool = False

    def __post_init__(self) -> None:
        fields = (*self.text_field, self.label_field)
        if len(self.text_field) > 2 or "" in fields or len(set(fields)) < len(fields):
            raise OptionError(
                f"--text_field={','.join(self.text_field)} --label_field={self.label_field}: one "
                "name for texts, two for pairs of texts, and another one for their labels."
            )
        try:
            "a".encode(self.encoding)
        except (LookupError, ValueError):
            raise OptionError(
                f"--encoding={self.encoding}: there is no such encoding; for example utf-8, "
                "gb18030, big5, shift_jis, cp1252 or utf-16."
            ) from None

    def replace(self, **changes: object) -> Self:
        """A copy with some settings changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, object]:
        """The settings that differ from the defaults: what the fingerprint of a cache includes."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name in self.__slots__
            if (value := getattr(self, name)) != getattr(DEFAULT_READING, name)
        }


DEFAULT_READING = Reading()
