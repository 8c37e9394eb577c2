"""Filling in the masks of a text, with a checkpoint of masked_lm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from common.errors import InputError, OptionError
from common.options import Options, declarations
from data_util.inputs import documents_to_inputs, token_budget
from tasks.data import TextEncoder
from tasks.evaluation import Compile, Outputs
from tasks.language_model.masks import (
    MASK,
    Candidates,
    MaskFiller,
    Window,
    encode_masked,
    filled_places,
    mask_windows,
)
from tasks.language_model.options import ContinuationOptions
from tasks.language_model.task import PROMPT, LanguageModel

# The limits of a result: a request may come from a stranger, and a vocabulary is large.
MAX_MASKS, MAX_CANDIDATES = 32, 100
DEFAULT_CANDIDATES = 5


@dataclass
class Candidate:
    """A token that may stand for a [MASK]."""

    token: str
    probability: float


@dataclass
class Filled:
    """For each [MASK] its most probable tokens, and the text with the best ones."""

    masks: list[list[Candidate]]
    text: str


@dataclass(frozen=True)
class MaskedText:
    """A text, and the parts of it in which its masks are filled in."""

    text: str
    windows: tuple[Window, ...]


class FillMask(LanguageModel):
    """Gives the most probable tokens for each [MASK] of a text.

    A text of more tokens than a sequence is read in parts that overlap: see `mask_windows`.
    """

    result_type: ClassVar[type] = Filled

    def use_options(self, options: Options) -> None:
        """See `Task.use_options`."""
        super().use_options(options)
        for name in declarations(ContinuationOptions):
            if getattr(options, name, None) is not None:
                raise OptionError(
                    f"--{name}: this checkpoint fills in {MASK}; to continue texts, it would have "
                    "to be pre-trained with --objectives=causal_lm."
                )

    def summary(self) -> str:
        """What it does."""
        return f"fills in {MASK}"

    def outputs_function(self, model: Any, compiled: Compile) -> Outputs:
        """A function that gives (rows,) of `Candidates`, those of the masks of each row."""
        from models.language_model import PositionStates, StateScores

        states, scores = PositionStates(model, "masked"), StateScores(model, "masked")
        filler = MaskFiller(compiled(states), compiled(scores), self.vocabulary)

        def outputs(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
            backbone = {name: inputs[name] for name in ("token_ids", "segment_ids", "padding_mask")}
            found = np.empty(len(inputs["filled"]), object)
            found[:] = filler(backbone, inputs["filled"], MAX_CANDIDATES)
            return found

        return outputs

    def record(self, values: Mapping[str, Any]) -> str:
        """The text.

        Raises:
            InputError: it has no [MASK], or too many.
        """
        text: str = values[PROMPT]
        count = text.count(MASK)
        if count > MAX_MASKS:
            raise InputError(
                f"this text has {MASK} {count:,} times, and at most {MAX_MASKS} are filled in "
                "together: give its parts one by one"
            )
        if not count and text.strip():
            raise InputError(
                f"this text has no {MASK}: write it where a token is missing (this checkpoint "
                "continues no texts, for which it would have to be pre-trained with "
                "--objectives=causal_lm)"
            )
        return text

    def encode(self, records: Sequence[str], text: TextEncoder) -> list[MaskedText]:
        """See `Task.encode`."""
        room, mask_id = token_budget(text.sequence_length), text.vocabulary.mask_id
        return [
            MaskedText(record, tuple(mask_windows(ids, mask_id, room)))
            for record, ids in zip(records, encode_masked(records, text), strict=True)
        ]

    def length(self, encoded: MaskedText) -> int:
        """The tokens of its longest part."""
        return max(len(window.ids) for window in encoded.windows)

    def inputs(self, encoded: Sequence[MaskedText], text: TextEncoder) -> dict[str, np.ndarray]:
        """See `Task.inputs`; "filled" (rows, length) bool are the masks that a row answers for."""
        rows = [window for each in encoded for window in each.windows]
        example = np.repeat(np.arange(len(encoded)), [len(each.windows) for each in encoded])
        inputs = documents_to_inputs([row.ids for row in rows], text.vocabulary, self.longest)
        filled = filled_places(rows, inputs["token_ids"].shape)
        return {**inputs, "filled": filled, "example": example.astype(np.int32)}

    def sample(self, length: int, text: TextEncoder) -> MaskedText:
        """See `Task.sample`."""
        ids = np.full(max(length - 2, 1), text.vocabulary.unk_id, np.int32)
        ids[0] = text.vocabulary.mask_id
        return MaskedText(MASK, (Window(ids, np.arange(len(ids)) == 0),))

    def results(
        self, encoded: Sequence[MaskedText], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """See `Task.results`; each mask has `top_k` tokens, up to `MAX_CANDIDATES`; 0: 5."""
        tokens, results = self.vocabulary.tokens, []
        for each, rows in zip(encoded, outputs, strict=True):
            found = Candidates.joined(rows)
            masks = found.to_dicts(tokens, top_k or DEFAULT_CANDIDATES)
            results.append({"masks": masks, "text": found.fill(each.text, tokens)})
        return results

    def empty_result(self) -> dict[str, Any]:
        """No masks."""
        return {"masks": [], "text": ""}

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        return [{PROMPT: f"他{MASK}了一部手机。" if chinese else f"Whose {MASK} is it?"}]
