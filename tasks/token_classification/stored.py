"""What a token classification task reads from the files of its checkpoint."""

from typing import TYPE_CHECKING, Any

from common.errors import CheckpointError
from tasks.token_classification.options import NESTED, TAG_SCHEMES

if TYPE_CHECKING:
    from models.checkpoints.folder import Checkpoint

MAX_SCALE = 1e6


def stored_settings(checkpoint: "Checkpoint") -> dict[str, Any]:
    """The arguments of `TokenClassification` beside the labels.

    Raises:
        CheckpointError: `config.json` or `metrics.json` lacks one, or has one that is not
            possible.
    """
    scheme, nested = (checkpoint.setting(key, str) for key in ("tags", "nested_entities"))
    overlap = checkpoint.setting("window_overlap", int)
    for key, value, allowed in (
        ("tags", scheme, (*TAG_SCHEMES, "plain")),
        ("nested_entities", nested, NESTED),
    ):
        if value not in allowed:
            raise CheckpointError(
                f"{checkpoint.folder}: config.json: {key} must be one of {', '.join(allowed)}, "
                f"not {value!r:.80}."
            )
    if overlap < 0:
        raise CheckpointError(
            f"{checkpoint.folder}: config.json: window_overlap must not be negative."
        )
    crf = checkpoint.setting("crf", bool)
    # Checkpoints of earlier versions have neither the entry nor the part of the head.
    ngrams = "ngrams" in checkpoint.config and checkpoint.setting("ngrams", bool)
    settings = {"scheme": scheme, "crf": crf, "ngrams": ngrams}
    settings |= {"overlap": overlap, "nested": nested}
    return {**settings, "scale": _scale(checkpoint)}


def _scale(checkpoint: "Checkpoint") -> float:
    from models.checkpoints.folder import METRICS

    calibration = checkpoint.json(METRICS).get("calibration")
    scale: Any = calibration.get("scale") if isinstance(calibration, dict) else None
    if type(scale) not in (int, float) or not 0 < scale < MAX_SCALE:
        raise CheckpointError(
            f"{checkpoint.folder / METRICS}: calibration must have a scale above 0, not "
            f"{scale!r:.80}."
        )
    return float(scale)
