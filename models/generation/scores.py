"""Changes to the scores of the next token before one is chosen, as NumPy arrays."""

import numpy as np

from models.generation.settings import GenerationSettings

IMPOSSIBLE = -np.inf


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(rows, vocab_size) logits to log-probabilities."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def allowed(scores: np.ndarray, sequences: np.ndarray, settings: GenerationSettings) -> np.ndarray:
    """The scores of the tokens that may come next; those of all others are minus infinity.

    Args:
        scores: (rows, vocab_size) float32.
        sequences: (rows, tokens) int32, what has been written so far.
        settings: `banned_ids` and `no_repeat_ngram`.

    Returns:
        A new array (rows, vocab_size).
    """
    scores = scores.copy()
    scores[:, list(settings.banned_ids)] = IMPOSSIBLE
    size = settings.no_repeat_ngram
    if 0 < size <= sequences.shape[1]:
        windows = np.lib.stride_tricks.sliding_window_view(sequences, size, axis=1)
        begin = sequences[:, sequences.shape[1] - size + 1 :]
        rows, places = np.nonzero((windows[:, :, :-1] == begin[:, None]).all(axis=-1))
        scores[rows, windows[rows, places, -1]] = IMPOSSIBLE
    return scores


def keep_top_k(logits: np.ndarray, top_k: int) -> np.ndarray:
    """Leaves the `top_k` highest logits of each row, and those equal to the last of them.

    Args:
        logits: (rows, vocab_size).
        top_k: 0, or a number that is not below the vocabulary, leaves all.

    References:
        Fan et al. 2018, section 5.4 (https://arxiv.org/abs/1805.04833).
    """
    if not 0 < top_k < logits.shape[1]:
        return logits
    last = np.partition(logits, -top_k, axis=-1)[:, -top_k, None]
    return np.where(logits < last, IMPOSSIBLE, logits)


def keep_top_p(logits: np.ndarray, top_p: float) -> np.ndarray:
    """Leaves the fewest most probable tokens whose probabilities add up to at least `top_p`.

    Args:
        logits: (rows, vocab_size).
        top_p: above 0; 1 leaves all.

    References:
        nucleus sampling: Holtzman et al. 2020, section 3.1 (https://arxiv.org/abs/1904.09751).
    """
    if top_p >= 1:
        return logits
    order = np.argsort(-logits, axis=-1, kind="stable")
    probabilities = np.exp(np.take_along_axis(log_softmax(logits), order, axis=-1))
    before = np.cumsum(probabilities, axis=-1) - probabilities
    # A token is needed if those before it do not suffice; the first one always is.
    kept = np.empty(logits.shape, bool)
    np.put_along_axis(kept, order, before < top_p, axis=-1)
    return np.where(kept, logits, IMPOSSIBLE)


def to_sample_from(logits: np.ndarray, settings: GenerationSettings) -> np.ndarray:
    """The logits that a token is drawn from: temperature first, then top-k, then top-p."""
    logits = logits / settings.temperature
    return keep_top_p(keep_top_k(logits, settings.top_k), settings.top_p)
