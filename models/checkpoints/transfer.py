"""Transfers weights from a trained model to a new one, and reports what was restored.

Fine-tuning takes the backbone's weights, and from a fine-tuned model what its head has learned of
labels with the same names: no optimizer state, no counters, no learning rate. (The original
restored every variable with a matching name, including the learning rate of pre-training.)
Pre-training that continues from a checkpoint takes the objectives' heads too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from common.errors import CheckpointError
from models.checkpoints.folder import MENTION_LABELS, Checkpoint
from models.checkpoints.new_tokens import NewTokens
from models.heads.base import ClassificationHead
from models.layers.adapter import Adapter
from models.pretraining_model import PretrainingModel

REQUIRED_SHARE = 0.99


@dataclass(frozen=True)
class RestoreReport:
    """Which backbone weights were restored from a checkpoint.

    Attributes:
        variables: the number of restored variables.
        of: the number of variables of the backbone.
        parameters: the number of restored parameters (elements).
        of_parameters: the number of parameters of the backbone.
        problems: one line for each variable that was not restored.
        shared: see `models.checkpoints.part.shared_variables`.
        base: the entry "base" of `config.json` for a checkpoint that leaves them out.
    """

    variables: int
    of: int
    parameters: int
    of_parameters: int
    problems: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    base: Mapping[str, Any] | None = None

    @property
    def share(self) -> float:
        """The restored share of the backbone's parameters, 0 to 1."""
        return self.parameters / self.of_parameters

    def to_dict(self) -> dict[str, int]:
        """The four counts, as stored in `metrics.json`."""
        return {
            "variables": self.variables,
            "of": self.of,
            "parameters": self.parameters,
            "of_parameters": self.of_parameters,
        }

    def __str__(self) -> str:
        return (
            f"restored {self.variables} of {self.of} variables, {self.parameters:,} of "
            f"{self.of_parameters:,} parameters ({self.share:.1%}) of the backbone"
        )


def transfer_backbone(
    backbone: keras.layers.Layer,
    source: keras.Model,
    origin: Any,
    *,
    allow_partial: bool = False,
    new_tokens: NewTokens | None = None,
    added: Collection[keras.Variable] = (),
) -> RestoreReport:
    """Copies the backbone weights of another model, matching variables by name.

    Args:
        backbone: a built backbone, which receives the weights.
        source: a model with a `backbone`, of any stage; only its backbone is used.
        origin: the checkpoint folder of `source`, for messages.
        allow_partial: whether restoring less than 99 % of the parameters is acceptable.
        new_tokens: those that the source does not know; None: both have the same vocabulary.
        added: weights of the backbone that no checkpoint has, because the run's tuning added them.

    Raises:
        CheckpointError: less than 99 % was restored; the message lists what is missing. Or the
            other model has adapters, without which its weights are of no use.
    """
    if any(isinstance(layer, Adapter) for layer in source.backbone._flatten_layers()):
        raise CheckpointError(
            f"{origin}: its backbone has adapters, which training from it would lose. Start from "
            "the checkpoint that they were trained on."
        )
    theirs = named_variables(source.backbone)
    fresh = {id(variable) for variable in added}
    named = named_variables(backbone)
    ours = {name: each for name, each in named.items() if id(each) not in fresh}
    if new_tokens is not None:
        new_tokens.extend(theirs, ours, (backbone.token_embedding.embeddings,))
    restored, parameters, problems = 0, 0, []
    for name, variable in ours.items():
        if name not in theirs:
            problems.append(f"{name}: not in the checkpoint")
        elif theirs[name].shape != variable.shape:
            problems.append(
                f"{name}: {tuple(theirs[name].shape)} in the checkpoint, "
                f"{tuple(variable.shape)} in the model"
            )
        else:
            variable.assign(theirs[name])
            restored += 1
            parameters += _size(variable)
    report = RestoreReport(
        variables=restored,
        of=len(ours),
        parameters=parameters,
        of_parameters=sum(_size(variable) for variable in ours.values()),
        problems=tuple(problems),
    )
    if report.share < REQUIRED_SHARE and not allow_partial:
        raise CheckpointError(
            f"{origin}: {report}; not restored: {'; '.join(problems)}. "
            "Use --allow_partial_restore to accept this."
        )
    return report


def transfer_pretraining(
    model: PretrainingModel,
    source: PretrainingModel,
    origin: Any,
    new_tokens: NewTokens | None = None,
) -> tuple[RestoreReport, tuple[str, ...]]:
    """Copies the backbone and the objectives' heads, for pre-training that continues.

    Args:
        model: a built model with the architecture of `source`, which receives the weights.
        source: the pre-trained model.
        origin: the checkpoint folder of `source`, for messages.
        new_tokens: those that `source` does not know; None: both have the same vocabulary.

    Returns:
        The backbone's report, and the names of the objectives that `source` has no head for.

    Raises:
        CheckpointError: less than 99 % of the backbone was restored, or a head does not match.
    """
    heads = {head.name: head for head in source.heads}
    fresh = tuple(head.name for head in model.heads if head.name not in heads)
    for head in model.heads:
        if head.name in fresh:
            continue
        theirs, ours = named_variables(heads[head.name]), named_variables(head)
        if new_tokens is not None:
            new_tokens.extend(theirs, ours, head.token_weights)
        for name, variable in ours.items():
            if name not in theirs or theirs[name].shape != variable.shape:
                raise CheckpointError(
                    f"{origin}: its {head.name} head does not match the model ({name})."
                )
            variable.assign(theirs[name])
    report = transfer_backbone(model.backbone, source, origin, new_tokens=new_tokens)
    return report, fresh


def start_head(head: keras.layers.Layer, source: keras.Model, origin: Any) -> None:
    """Initializes a task's head from the pre-trained head of the objective it starts from.

    Args:
        head: a built head; its `starts_from` is the name of an objective.
        source: the pre-trained model.
        origin: the checkpoint folder of `source`, for messages.

    Raises:
        CheckpointError: `source` was not pre-trained with this objective.
    """
    objectives = {objective.name: objective for objective in getattr(source, "heads", ())}
    if head.starts_from not in objectives:
        raise CheckpointError(
            f"{origin}: this checkpoint has no {head.starts_from} head to start from. "
            "Pre-train with this objective, or choose another --head."
        )
    head.start_from(objectives[head.starts_from])


def take_over_head(
    head: ClassificationHead, labels: Sequence[str], source: keras.Model, checkpoint: Checkpoint
) -> int | None:
    """Initializes a task's head from that of the objective that it `takes_over`.

    Its layers are copied and, for labels with the same names, the weights of their scores. What was
    learned as their bias is added to the bias that the head has, such as the class priors: in
    pre-training it was added to the labels' frequencies in the raw text.

    Args:
        head: a built head.
        labels: the names of its labels.
        source: the pre-trained model.
        checkpoint: that of `source`.

    Returns:
        How many labels start from the checkpoint; None, and nothing is changed, if the checkpoint
        was not pre-trained with this objective or with other sizes.

    Raises:
        CheckpointError: its list of labels does not belong to the model.
    """
    objectives = {objective.name: objective for objective in getattr(source, "heads", ())}
    if head.takes_over not in objectives:
        return None
    learned = objectives[head.takes_over].head
    names = checkpoint.text(MENTION_LABELS).split("\n")[:-1]
    if len(names) != learned.num_labels:
        raise CheckpointError(
            f"{checkpoint.path(MENTION_LABELS)}: {len(names):,} labels, but the model has "
            f"{learned.num_labels:,}; it belongs to another checkpoint."
        )
    return copy_labels(head, labels, learned, names, add_bias=True)


def copy_labels(
    head: ClassificationHead,
    labels: Sequence[str],
    learned: ClassificationHead,
    names: Sequence[str],
    *,
    add_bias: bool = False,
) -> int | None:
    """Copies a head's layers and, for labels with the same names, the weights of their scores.

    Args:
        head: a built head.
        labels: the names of its labels.
        learned: the head that is copied, of the same kind.
        names: the names of its labels.
        add_bias: whether the bias of a label is added to the one that it has, or replaces it.

    Returns:
        How many labels both heads have; None, and nothing is changed, if their layers have other
        sizes.
    """
    theirs, ours = named_variables(learned), named_variables(head)
    scores = {id(variable) for variable in head.scores.weights}
    layers = [name for name, variable in ours.items() if id(variable) not in scores]
    kernel, bias = head.scores.get_weights()
    learned_kernel, learned_bias = learned.scores.get_weights()
    if len(kernel) != len(learned_kernel) or any(
        name not in theirs or theirs[name].shape != ours[name].shape for name in layers
    ):
        return None
    for name in layers:
        ours[name].assign(theirs[name])
    place = {name: index for index, name in enumerate(names)}
    common = [index for index, label in enumerate(labels) if label in place]
    chosen = [place[labels[index]] for index in common]
    kernel[:, common] = learned_kernel[:, chosen]
    bias[common] = learned_bias[chosen] + (bias[common] if add_bias else 0)
    head.scores.set_weights([kernel, bias])
    return len(common)


def tile_position_embeddings(
    backbone: keras.layers.Layer, checkpoint: Checkpoint, length: int
) -> bool:
    """Initializes learned position embeddings beyond the lengths that a checkpoint was trained on.

    Args:
        backbone: a backbone with the checkpoint's weights.
        checkpoint: of any stage.
        length: the length of the sequences to come, in tokens.

    Returns:
        Whether anything was changed: the sequences are longer than the checkpoint's, and the
        backbone has learned position embeddings.
    """
    positions = backbone.embeddings.positional_encoding
    trained = checkpoint.setting("sequence_length", int)
    if positions.config.position != "learned" or not 1 < trained < length:
        return False
    positions.tile(trained)
    return True


def named_variables(layer: keras.layers.Layer) -> dict[str, keras.Variable]:
    """The variables of a backbone or a head by their path within it."""
    # A full path begins with the name of the model, which differs between stages.
    return {variable.path.rpartition(f"{layer.name}/")[2]: variable for variable in layer.weights}


def _size(variable: keras.Variable) -> int:
    size = 1
    for dimension in variable.shape:
        size *= int(dimension)
    return size
