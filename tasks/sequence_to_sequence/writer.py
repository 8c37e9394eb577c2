"""Writes texts with a model: the encoder once, and the decoder step by step."""

import zlib
from collections.abc import Mapping

import numpy as np

from common.random_streams import random_generator
from models.generation.generate import generate
from models.generation.settings import GenerationSettings
from tasks.evaluation import Outputs


class Writer:
    """A function from the inputs of a batch to what the model writes.

    Args:
        read: runs a `MemoryPart`.
        step: runs a `StepPart`.
        settings: how to generate.
        start_id: the token that every target begins after.
        pad_id: fills up the arrays.
    """

    def __init__(
        self,
        read: Outputs,
        step: Outputs,
        settings: GenerationSettings,
        start_id: int,
        pad_id: int,
    ) -> None:
        self._read, self._step = read, step
        self._settings, self._start_id, self._pad_id = settings, start_id, pad_id

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Writes `num_beams` texts for each row, the best first.

        Args:
            inputs: the backbone's.

        Returns:
            "ids" (rows, num_beams, max_length) int32; "lengths" (rows, num_beams) int32, the number
            of tokens, -1 where there is no such text; "scores" (rows, num_beams) float32; and
            "finished" (rows, num_beams) bool, whether the model ended it.
        """
        backbone = {name: inputs[name] for name in ("token_ids", "segment_ids", "padding_mask")}
        mask = np.asarray(backbone["padding_mask"]).astype(bool)
        step = _CachedStep(self._step, self._read(backbone), mask)
        rows, settings = len(backbone["token_ids"]), self._settings
        # The same text is given the same answer, whatever it shares a batch with.
        digests = [
            zlib.crc32(ids[read].tobytes())
            for ids, read in zip(backbone["token_ids"], mask, strict=True)
        ]
        found = generate(
            step,
            np.full((rows, 1), self._start_id, np.int32),
            settings,
            [random_generator(0, "sampling", digest) for digest in digests],
        )
        shape = (rows, settings.num_beams)
        ids = np.full((*shape, settings.max_length), self._pad_id, np.int32)
        lengths, scores = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
        finished = np.zeros(shape, bool)
        for row, results in enumerate(found):
            for place, each in enumerate(results):
                ids[row, place, : len(each.ids)] = each.ids
                lengths[row, place], scores[row, place] = len(each.ids), each.score
                finished[row, place] = each.finished
        return {"ids": ids, "lengths": lengths, "scores": scores, "finished": finished}


class _CachedStep:
    """A step over one batch: keeps the cache, and the source of each row."""

    def __init__(self, step: Outputs, memory: Mapping[str, np.ndarray], mask: np.ndarray) -> None:
        self._step = step
        self._fixed = {**memory, "memory_mask": mask}
        self._sources = np.arange(len(mask), dtype=np.int32)
        # As the memory is, (rows, layers, length, num_heads, ...), but of no token yet.
        self._cache = {name: memory[f"memory_{name}"][:, :, :0] for name in ("keys", "values")}

    def __call__(self, sequences: np.ndarray, parents: np.ndarray) -> np.ndarray:
        self._sources = self._sources[parents]
        found = self._step(
            {
                "token_ids": np.ascontiguousarray(sequences[:, -1:]),
                "sources": self._sources,
                **{name: array[parents] for name, array in self._cache.items()},
                **self._fixed,
            }
        )
        self._cache = {name: found[f"new_{name}"] for name in self._cache}
        return found["logits"]
