"""Which n-grams of a text spoke for a label, by the linear classifier."""

from collections.abc import Sequence

import numpy as np

from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.pair_features import FEATURE_NAMES
from data_util.tokens.pair_table import FeatureTable


def evidence(
    features: tuple[np.ndarray, np.ndarray],
    kernel: np.ndarray,
    table: FeatureTable,
    predicted: int | None,
    missed: int | None,
    number: int = 6,
) -> Sequence[str]:
    """The features that contributed most to a wrong label, or against a missed one.

    A feature contributes its value times its weight to the decision for a label; here to that for
    the wrong label minus that for the missed one, if there are both.

    Args:
        features: of the text: ids and values.
        kernel: (features, labels), the weights of the classifier.
        table: what the features are.
        predicted: the wrong label, if there is one that the classifier knows.
        missed: the missed label, if there is one that the classifier knows.
        number: the most features to return; left out are single characters, punctuation, and one
            that is part of another one.
    """
    ids, values = features
    weights = np.zeros(len(ids))
    if predicted is not None:
        weights += kernel[ids, predicted]
    if missed is not None:
        weights -= kernel[ids, missed]
    contributions = values * weights
    found: list[str] = []
    for index in np.argsort(-contributions, kind="stable").tolist():
        if contributions[index] <= 0 or len(found) == number:
            break
        name = feature_name(table, int(ids[index])).strip()
        if _says_something(name) and not any(name in each or each in name for each in found):
            found.append(name)
    return found


def _says_something(name: str) -> bool:
    return len(name) > 1 and any(char.isalnum() for char in name)


def feature_name(table: FeatureTable, feature: int) -> str:
    """What a feature stands for: an n-gram, or how two texts compare, in words."""
    if isinstance(table, NgramTable):
        kind = int(table.kinds[feature])
        return table.ngrams[kind][feature - int(table.starts[kind])]
    ngrams, first_number = len(table.ngrams), len(table) - len(FEATURE_NAMES)
    if feature < 2 * ngrams:
        where = "both" if feature < ngrams else "only one"
        return f"{feature_name(table.ngrams, feature % ngrams)} ({where})"
    if feature >= first_number:
        return FEATURE_NAMES[feature - first_number].replace("_", " ")
    exchanged = [pair for pairs in table.exchanged.values() for pair in pairs]
    return " / ".join(exchanged[feature - 2 * ngrams])
