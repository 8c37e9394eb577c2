"""A pre-trained checkpoint as a language model: perplexity, [MASK], and continuation of texts."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from common.blocks import blocks
from common.errors import CheckpointError, InputError
from common.random_streams import random_generator
from data_util.inputs import documents_to_inputs, token_budget
from data_util.tokens.detokenize import detokenize, joined
from models.checkpoints.folder import Checkpoint, read_checkpoint
from models.checkpoints.publication import read_published
from models.checkpoints.weights import load_model
from models.generation.settings import GenerationSettings
from models.language_model import (
    LanguageModel,
    PositionStates,
    StateScores,
    TokenLosses,
    predicted_by,
    prefix_segments,
)
from tasks.data import TextEncoder
from tasks.language_model.continuation import Continuation
from tasks.language_model.masks import (
    MASK,
    Candidates,
    MaskFiller,
    encode_masked,
    filled_places,
    mask_windows,
)
from training.devices.forward import Forward
from training.preparation.tokenizer import stored_tokenizer


@dataclass(frozen=True)
class TextScore:
    """How probable a text is.

    Attributes:
        nats: the sum of the losses of its tokens.
        tokens: how many were predicted.
        unknown: how many were not, because the vocabulary lacks them.
        characters: of the text.
    """

    nats: float
    tokens: int
    unknown: int
    characters: int

    def __add__(self, other: "TextScore") -> "TextScore":
        mine, theirs = vars(self), vars(other)
        return TextScore(**{name: mine[name] + theirs[name] for name in mine})

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; perplexity and bits are None for a text without known tokens."""
        found = self.tokens > 0
        perplexity = math.exp(min(self.nats / self.tokens, 700)) if found else None
        bits = self.nats / math.log(2) / self.characters if found else None
        return {
            "perplexity": None if perplexity is None else round(perplexity, 4),
            "bits_per_character": None if bits is None else round(bits, 4),
            "tokens": self.tokens,
            "unknown": self.unknown,
            "characters": self.characters,
        }


class TextModel:
    """A pre-trained checkpoint that predicts tokens.

        >>> model = TextModel.load(Path("checkpoint_lm"))
        >>> model.fill("被告人[MASK]窃手机一部。", top_k=2)["masks"]
        [[{'token': '盗', 'probability': 0.91}, {'token': '行', 'probability': 0.02}]]

    Args:
        model: a built `PretrainingModel`.
        text: turns text into its token ids.
        name: of the checkpoint, for messages.
        batch_size: the number of sequences in a batch.

    Raises:
        CheckpointError: no objective of the model predicts tokens of a text.
    """

    def __init__(self, model: Any, text: TextEncoder, name: str = "", batch_size: int = 8) -> None:
        self.text, self._model, self._name, self._batch_size = text, model, name, batch_size
        self.predicts = predicted_by(model) if hasattr(model, "heads") else set()
        if not self.predicts:
            raise CheckpointError(
                f"{name}: this checkpoint predicts no tokens of a text: pre-train with "
                "--objectives=causal_lm or masked_lm. (A fine-tuned one has lost what did.)"
            )
        self._kind = "next" if "next" in self.predicts else "masked"
        self._losses = Forward(TokenLosses(model, self._kind)).outputs

    @classmethod
    def load(cls, folder: Path, batch_size: int = 8) -> "TextModel":
        """Loads a pre-trained checkpoint.

        Raises:
            CheckpointError: the folder is not a complete one, or not of such objectives.
        """

        def load() -> tuple[Any, TextEncoder]:
            checkpoint: Checkpoint = read_checkpoint(folder)
            if "task" in checkpoint.config:
                raise CheckpointError(
                    f"{folder}: this checkpoint is fine-tuned; name a pre-trained one."
                )
            length = min(
                checkpoint.setting("sequence_length", int), checkpoint.backbone.max_position
            )
            return load_model(checkpoint), TextEncoder(*stored_tokenizer(checkpoint), length)

        return cls(*read_published(folder, load), str(folder), batch_size)

    def score(self, text: str) -> TextScore:
        """How probable a text is.

        With causal_lm and prefix_lm each token is predicted from those before it. With masked_lm
        each is masked in turn and predicted from all others, which is no probability of the text,
        but is compared like one (Salazar et al. 2020, https://arxiv.org/abs/1910.14659). A text
        that is longer than a sequence is cut into parts, of which each knows nothing of the others.
        """
        (ids,) = self.text.encode([text])
        room, vocabulary = token_budget(self.text.sequence_length), self.text.vocabulary
        known = np.isin(ids, vocabulary.ordinary_ids)
        nats = 0.0
        for start in range(0, len(ids), room):
            part, of_part = ids[start : start + room], known[start : start + room]
            losses = self._next(part) if self._kind == "next" else self._masked(part, of_part)
            nats += float(losses[of_part].sum(dtype=np.float64))
        return TextScore(nats, int(known.sum()), int((~known).sum()), len(text))

    def _next(self, ids: np.ndarray) -> np.ndarray:
        """The loss of each token, from those before it."""
        inputs = self._inputs([ids])
        inputs["segment_ids"] = prefix_segments(self._model, inputs["padding_mask"], 1)
        length = inputs["token_ids"].shape[1]
        targets = np.zeros((1, length), np.int32)
        targets[0, : len(ids)] = ids
        positions = np.arange(length, dtype=np.int32)[None]
        return self._losses({**inputs, "positions": positions, "ids": targets})[0, : len(ids)]

    def _masked(self, ids: np.ndarray, known: np.ndarray) -> np.ndarray:
        """The loss of each known token, which is masked in turn."""
        losses = np.zeros(len(ids), np.float32)
        places = np.flatnonzero(known)
        for start in range(0, len(places), self._batch_size):
            chosen = places[start : start + self._batch_size]
            rows = np.tile(ids, (len(chosen), 1))
            rows[np.arange(len(chosen)), chosen] = self.text.vocabulary.mask_id
            inputs = self._inputs(list(rows))
            inputs |= {
                "positions": (chosen + 1)[:, None].astype(np.int32),
                "ids": ids[chosen, None],
            }
            losses[chosen] = self._losses(inputs)[:, 0]
        return losses

    def fill(
        self,
        text: str,
        top_k: int = 5,
        candidates: np.ndarray | None = None,
        *,
        exclude_seen: bool = False,
    ) -> dict[str, Any]:
        """The most probable tokens for each [MASK] of a text.

        A text that is longer than a sequence is read in parts that overlap; see `mask_windows`.

        Args:
            text: with one [MASK] or more.
            top_k: how many tokens to give for each; fewer if there are no more.
            candidates: the ids among which they are, int32; None: all but reserved tokens.
            exclude_seen: whether tokens of the text are left out.

        Returns:
            "text", with the most probable tokens in their places, and "masks": for each [MASK]
            {"token", "probability"} of `top_k` tokens; the probabilities of all that may be given
            have the sum 1. Each is predicted as if the others of its part were masked, too.

        Raises:
            CheckpointError: the checkpoint is not of masked_lm.
            InputError: the text has no [MASK], or leaves no token to give.
        """
        self._need("masked", "to fill in [MASK]", "masked_lm")
        if MASK not in text:
            raise InputError(f"this text has no {MASK}")
        vocabulary = self.text.vocabulary
        (ids,) = encode_masked([text], self.text)
        allowed = vocabulary.ordinary_ids if candidates is None else np.unique(candidates)
        if exclude_seen:
            allowed = allowed[~np.isin(allowed, ids)]
        if not len(allowed):
            raise InputError("no token is left to give: each is in the text")
        windows = mask_windows(ids, vocabulary.mask_id, token_budget(self.text.sequence_length))
        found = []
        for chosen in blocks(windows, self._batch_size):
            inputs = self._inputs([window.ids for window in chosen])
            filled = filled_places(chosen, inputs["token_ids"].shape)
            found += self._filler(inputs, filled, top_k, allowed)
        best = Candidates.joined(found)
        return {
            "text": best.fill(text, vocabulary.tokens),
            "masks": best.to_dicts(vocabulary.tokens, top_k),
        }

    def write_on(
        self, text: str, settings: GenerationSettings, seed: int = 0, number: int = 0
    ) -> dict[str, Any]:
        """Continues a text.

        Args:
            text: may be empty; of one that is too long the end is read: see `kept_tokens`.
            settings: how; no more tokens are written than fit into a sequence beside the text.
            seed, number: of what is drawn; each number draws other tokens.

        Returns:
            "text", the text with what follows it; "continuation", this alone; and "score", the mean
            log-probability of its tokens.

        Raises:
            CheckpointError: the checkpoint is not of causal_lm.
        """
        self._need("next", "to continue a text", "causal_lm")
        (ids,) = self.text.encode([text])
        banned = tuple(self.text.vocabulary.reserved_ids.tolist())
        continuation = Continuation(
            self._next_logits,
            partial(prefix_segments, self._model),
            self.text.vocabulary,
            self._model.backbone.config.max_position,
            dataclasses.replace(settings, banned_ids=banned),
        )
        (best,) = continuation([ids], [random_generator(seed, "continuation", number)])
        written = self._text_of(best.ids)
        return {
            "text": joined(text, written),
            "continuation": written,
            "score": round(best.score, 6),
        }

    @cached_property
    def _filler(self) -> MaskFiller:
        states, scores = PositionStates(self._model, "masked"), StateScores(self._model, "masked")
        return MaskFiller(Forward(states).outputs, Forward(scores).outputs, self.text.vocabulary)

    @cached_property
    def _next_logits(self) -> Callable[[Mapping[str, np.ndarray]], Any]:
        return Forward(LanguageModel(self._model, "next")).outputs

    def _need(self, kind: str, purpose: str, objective: str) -> None:
        if kind not in self.predicts:
            raise CheckpointError(
                f"{self._name}: {purpose}, a checkpoint that was pre-trained with "
                f"--objectives={objective} is needed."
            )

    def _inputs(self, documents: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return documents_to_inputs(documents, self.text.vocabulary, self.text.sequence_length)

    def _text_of(self, ids: np.ndarray) -> str:
        tokens = map(self.text.vocabulary.tokens.__getitem__, ids.tolist())
        return detokenize(tokens, self.text.tokenizer.style)
