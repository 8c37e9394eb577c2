"""Greedy search and sampling: one token after another, none taken back."""

from collections.abc import Sequence

import numpy as np

from models.generation.base import Generated, Step
from models.generation.scores import allowed, log_softmax, to_sample_from
from models.generation.settings import GenerationSettings


def one_by_one(
    step: Step,
    prompts: np.ndarray,
    settings: GenerationSettings,
    generators: Sequence[np.random.Generator] = (),
) -> list[Generated]:
    """Generates one sequence for each prompt; sequences that have ended are not computed further.

    Args:
        step: the model.
        prompts: (rows, tokens) int32, at least one token each.
        settings: `num_beams` is 1.
        generators: one for each prompt, if `settings.sample`.

    Returns:
        A sequence for each prompt.
    """
    prompt_length = prompts.shape[1]
    sequences, running = prompts.astype(np.int32), np.arange(len(prompts))
    parents, totals = running, np.zeros(len(prompts))
    found: dict[int, Generated] = {}
    while len(running):
        logits = step(sequences, parents)
        possible = allowed(logits, sequences, settings)
        if settings.sample:
            possible = to_sample_from(possible, settings) + _gumbel(
                [generators[row] for row in running.tolist()], logits.shape[1]
            )
        tokens = possible.argmax(axis=-1).astype(np.int32)
        totals = totals + log_softmax(logits)[np.arange(len(tokens)), tokens]
        sequences = np.concatenate([sequences, tokens[:, None]], axis=1)
        length = sequences.shape[1] - prompt_length
        ended = (
            np.zeros(len(tokens), bool) if settings.eos_id is None else tokens == settings.eos_id
        )
        done = ended | (length >= settings.max_length)
        for row in np.flatnonzero(done):
            found[int(running[row])] = Generated(
                ids=sequences[row, prompt_length : sequences.shape[1] - int(ended[row])],
                log_probability=float(totals[row]),
                length=length,
                score=float(totals[row]) / length**settings.length_penalty,
                finished=bool(ended[row]),
            )
        parents = np.flatnonzero(~done)
        sequences, running, totals = sequences[parents], running[parents], totals[parents]
    return [found[row] for row in range(len(prompts))]


def _gumbel(generators: Sequence[np.random.Generator], count: int) -> np.ndarray:
    """(rows, count): the token with the highest sum of logit and this is a draw from the softmax.

    Each row draws from its own generator, so that it does not depend on the other rows.
    """
    return np.stack([generator.gumbel(size=count) for generator in generators])
