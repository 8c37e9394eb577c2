"""Continuing a text, with a checkpoint of causal_lm, prefix_lm or two_way_lm."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from common.errors import InputError
from common.options import Options
from common.random_streams import random_generator
from data_util.inputs import documents_to_inputs
from data_util.tokens.detokenize import detokenize, joined
from models.generation.settings import GenerationSettings
from tasks.data import TextEncoder
from tasks.evaluation import Compile, Outputs
from tasks.language_model.continuation import Continuation, kept_tokens
from tasks.language_model.masks import MASK
from tasks.language_model.options import DEFAULT_MAX_LENGTH, DEFAULT_SEARCH
from tasks.language_model.task import PROMPT, LanguageModel


@dataclass
class Continued:
    """What follows a text, both together, and the mean log-probability of the tokens written."""

    continuation: str
    text: str
    score: float | None


@dataclass(frozen=True)
class BegunText:
    """A text, and the tokens at its end after which it is continued, (tokens,) int32."""

    text: str
    ids: np.ndarray


class ContinueText(LanguageModel):
    """Continues texts; the same text is always continued in the same way.

    Of a text that is too long the end is read: see `kept_tokens`.
    """

    result_type: ClassVar[type] = Continued
    _search, _max_length = DEFAULT_SEARCH, DEFAULT_MAX_LENGTH

    def use_options(self, options: Options) -> None:
        """See `Task.use_options`."""
        super().use_options(options)
        self._search = self._search.changed(options)
        self._max_length = getattr(options, "max_length", None) or self._max_length
        self._settings()  # Options that contradict each other are told now.

    def _settings(self) -> GenerationSettings:
        return self._search.settings(self._max_length, self.vocabulary.reserved_ids.tolist())

    def summary(self) -> str:
        """What it does."""
        how = "sampling" if self._search.sampling else f"{self._search.num_beams} beams"
        return f"continues texts, at most {self._max_length} tokens, {how}"

    def outputs_function(self, model: Any, compiled: Compile) -> Outputs:
        """A function that gives (rows,) of `Generated`."""
        from models.language_model import LanguageModel as NextToken
        from models.language_model import prefix_segments

        write = Continuation(
            compiled(NextToken(model, "next")),
            partial(prefix_segments, model),
            self.vocabulary,
            self.longest,
            self._settings(),
        )

        def outputs(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
            # Without [CLS] and [SEP].
            ends = (inputs["padding_mask"].sum(axis=1) - 1).tolist()
            texts = [ids[1:end] for ids, end in zip(inputs["token_ids"], ends, strict=True)]
            # What is drawn depends on the text alone, whatever it shares a batch with.
            digests = [zlib.crc32(ids.tobytes()) for ids in texts]
            found = np.empty(len(texts), object)
            found[:] = write(texts, [random_generator(0, "continuation", each) for each in digests])
            return found

        return outputs

    def record(self, values: Mapping[str, Any]) -> str:
        """The text.

        Raises:
            InputError: it has a [MASK].
        """
        text: str = values[PROMPT]
        if MASK in text:
            raise InputError(
                f"this checkpoint fills in no {MASK}, for which it would have to be pre-trained "
                "with --objectives=masked_lm: leave it out, and the text is continued"
            )
        return text

    def encode(self, records: Sequence[str], text: TextEncoder) -> list[BegunText]:
        """See `Task.encode`."""
        kept = kept_tokens(self.longest, self._max_length)
        return [
            BegunText(record, ids[-kept:])
            for record, ids in zip(records, text.encode(records), strict=True)
        ]

    def length(self, encoded: BegunText) -> int:
        """The tokens that are read."""
        return len(encoded.ids)

    def inputs(self, encoded: Sequence[BegunText], text: TextEncoder) -> dict[str, np.ndarray]:
        """See `Task.inputs`."""
        ids = [each.ids for each in encoded]
        inputs = documents_to_inputs(ids, text.vocabulary, self.longest)
        return {**inputs, "example": np.arange(len(encoded), dtype=np.int32)}

    def sample(self, length: int, text: TextEncoder) -> BegunText:
        """See `Task.sample`."""
        kept = min(max(length - 2, 1), kept_tokens(self.longest, self._max_length))
        return BegunText("", np.full(kept, text.vocabulary.unk_id, np.int32))

    def results(
        self, encoded: Sequence[BegunText], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """See `Task.results`; `top_k` adds nothing."""
        results = []
        for each, (found,) in zip(encoded, outputs, strict=True):
            tokens = map(self.vocabulary.tokens.__getitem__, found.ids.tolist())
            written = detokenize(tokens, self.style)
            results.append(
                {
                    "continuation": written,
                    "text": joined(each.text, written),
                    "score": round(found.score, 6),
                }
            )
        return results

    def empty_result(self) -> dict[str, Any]:
        """No text."""
        return {"continuation": "", "text": "", "score": None}

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        return [{PROMPT: "今天" if chinese else "Once upon a time"}]
