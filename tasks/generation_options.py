"""The options of tasks that write text token by token."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from common.errors import ConfigError, OptionError
from common.options import Options, declarations, make_options, option
from models.generation.settings import GenerationSettings


@dataclass(frozen=True)
class SearchOptions(Options):
    """How text is written"""

    num_beams: int = option(
        4, "texts that the beam search keeps; 1: greedy search", minimum=1, maximum=100
    )
    length_penalty: float = option(
        1.0,
        "of the beam search: log-probabilities are divided by the length to this power; below 1 "
        "prefers shorter texts",
    )
    no_repeat_ngram: int = option(
        0, "no n-gram of this many tokens is written twice; 0: any may be", minimum=0
    )
    sampling: bool = option(
        False, "draw tokens at random, the same ones for the same text, rather than search"
    )
    temperature: float = option(
        1.0, "with --sampling: below 1 draws more probable tokens", minimum=0.01
    )
    sampling_top_k: int = option(
        0, "with --sampling: draw among so many most probable tokens; 0: among all", minimum=0
    )
    sampling_top_p: float = option(
        1.0,
        "with --sampling: draw among the most probable tokens that have this probability together",
        minimum=0.01,
        maximum=1,
    )

    def settings(
        self, max_length: int, banned_ids: Iterable[int], eos_id: int | None = None
    ) -> GenerationSettings:
        """The settings of the search.

        Args:
            max_length, eos_id: see `GenerationSettings`.
            banned_ids: tokens that are never written.

        Raises:
            OptionError: two options contradict each other.
        """
        try:
            return GenerationSettings(
                max_length=max_length,
                eos_id=eos_id,
                num_beams=1 if self.sampling else self.num_beams,
                length_penalty=self.length_penalty,
                no_repeat_ngram=self.no_repeat_ngram,
                sample=self.sampling,
                temperature=self.temperature,
                top_k=self.sampling_top_k,
                top_p=self.sampling_top_p,
                banned_ids=tuple(sorted(banned_ids)),
            )
        except ConfigError as error:
            raise OptionError(f"{error}") from error

    def changed(self, options: Options) -> Self:
        """A copy with those options replaced that `options` has, and that are not None there."""
        given = {name: getattr(options, name, None) for name in declarations(SearchOptions)}
        return self.replace(**{name: value for name, value in given.items() if value is not None})


def _without_defaults() -> dict[str, tuple[Any, Any]]:
    """Those of `SearchOptions`, each None where it is not given."""
    fields = {each.name: each for each in dataclasses.fields(SearchOptions)}
    return {
        name: (
            declaration.kind | None,
            dataclasses.field(default=None, metadata=fields[name].metadata),
        )
        for name, declaration in declarations(SearchOptions).items()
    }


GenerationOptions = make_options(
    "GenerationOptions",
    _without_defaults(),
    "Texts that are written (default: as in fine-tuning)",
    module=__name__,
)
