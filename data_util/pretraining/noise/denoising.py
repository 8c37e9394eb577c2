"""What the noises of the objective denoising have in common: a text to read, and one to write."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from data_util.bucketing import padded_length
from data_util.pretraining.noise.base import Noise
from data_util.tokens.vocabulary import Vocabulary


class DenoisingNoise(Noise):
    """Makes of each text a damaged one, for an encoder, and one that a decoder writes.

    A text is what stands between the first token of a row, [CLS], and its last one, [SEP]; unknown
    tokens belong to it. The arrays are

    - `token_ids`, `segment_ids` and `padding_mask` of the damaged texts, as a batch has them; all
      segments are 0, and the length may be another one;
    - `decoder_ids` (rows, target_length) int32, what the decoder reads: [CLS], and all that it
      writes but the last token;
    - `decoded_ids` (rows, target_length) int32, what it writes at each of these positions, and
      `decoded_weights` float32 of the same shape, 0 for unknown tokens and after the end. Where the
      weight is 0, so is the id.
    """

    keeps_places: ClassVar[bool] = False

    def __init__(self, vocabulary: Vocabulary, mask_probability: float | None = None) -> None:
        super().__init__(vocabulary, mask_probability)
        self._is_target = np.zeros(len(vocabulary), bool)
        self._is_target[vocabulary.ordinary_ids] = True
        self._is_target[vocabulary.sep_id] = True

    @abstractmethod
    def source_and_target(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """What is read and what is written.

        Args:
            text: (tokens,) int32, which is not modified; it may be empty.
            sentence_starts: (tokens,) bool, True for a token that begins a sentence.
            generator: the source of all randomness.

        Returns:
            Two arrays of token ids, int32: the first one has at most as many as the text, the
            second one at most one more, and at least one unless the text is empty.
        """

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Damages each text; see the class."""
        ids, vocabulary = batch["token_ids"], self.vocabulary
        starts = batch.get("sentence_starts", np.zeros(ids.shape, bool))
        sources, targets = [], []
        for row, end in enumerate((batch["padding_mask"].sum(1) - 1).tolist()):
            text = ids[row, 1:end]
            source, target = self.source_and_target(text, starts[row, 1:end], generator)
            sources.append(np.concatenate([[vocabulary.cls_id], source, [vocabulary.sep_id]]))
            targets.append(target)
        token_ids, padding_mask = self._padded(sources, ids.shape[1])
        target_ids, written = self._padded(targets, ids.shape[1])
        decoder_ids = np.roll(target_ids, 1, axis=1)
        decoder_ids[:, 0] = vocabulary.cls_id
        decoder_ids[:, 1:][~written[:, 1:]] = vocabulary.pad_id
        counted = written & self._is_target[target_ids]
        return {
            "token_ids": token_ids,
            "segment_ids": np.zeros_like(token_ids),
            "padding_mask": padding_mask,
            "decoder_ids": decoder_ids,
            "decoded_ids": np.where(counted, target_ids, 0).astype(np.int32),
            "decoded_weights": counted.astype(np.float32),
        }

    def number(self, tokens: int, generator: np.random.Generator) -> int:
        """How many of so many tokens are changed: in the mean the share `mask_probability`."""
        return int(self.mask_probability * tokens + generator.random())

    def _padded(self, rows: Sequence[np.ndarray], longest: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of one length, int32, and where their tokens are."""
        lengths = np.array([len(row) for row in rows])[:, None]
        width = padded_length(max(1, int(lengths.max())), longest)
        mask = np.arange(width) < lengths
        padded = np.full(mask.shape, self.vocabulary.pad_id, np.int32)
        padded[mask] = np.concatenate(rows)
        return padded, mask


class Corruption(DenoisingNoise):
    """A damage after which the whole text is written, and [SEP]; several can be combined.

    References:
        Lewis et al. 2020, "BART: Denoising Sequence-to-Sequence Pre-training for Natural Language
        Generation, Translation, and Comprehension", section 2.2 (https://arxiv.org/abs/1910.13461).
    """

    @abstractmethod
    def corrupt(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """The damaged text: see `source_and_target`."""

    def source_and_target(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `DenoisingNoise.source_and_target`."""
        target = np.append(text, np.int32(self.vocabulary.sep_id))
        return self.corrupt(text, sentence_starts, generator), target


class CombinedCorruptions(Corruption):
    """Several corruptions, one after another.

    Args:
        corruptions: in this order, of one vocabulary. One that reads the beginnings of sentences
            must be the first: the others move them.
    """

    stream: ClassVar[str] = "combined corruptions"
    reads_sentences: ClassVar[bool] = True

    def __init__(self, corruptions: Sequence[Corruption]) -> None:
        super().__init__(corruptions[0].vocabulary)
        if any(each.reads_sentences for each in corruptions[1:]):
            raise ValueError("what reads the beginnings of sentences must come first")
        self.corruptions = tuple(corruptions)

    def corrupt(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """See `Corruption.corrupt`."""
        for corruption in self.corruptions:
            text = corruption.corrupt(text, sentence_starts, generator)
        return text
