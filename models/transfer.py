"""What a new model takes over from a checkpoint: its backbone, and a report of what was restored.

Fine-tuning takes the backbone's weights and nothing else: no optimizer state, no counters, no
learning rate. (The original restored whatever had the same name, the learning rate of pre-training
among it.) Pre-training that goes on from a checkpoint takes the objectives' heads too.
"""

from dataclasses import dataclass

import keras

from common.errors import CheckpointError
from models.checkpoint import Checkpoint, load_model
from models.pretraining import PretrainingModel

REQUIRED_SHARE = 0.99


@dataclass(frozen=True)
class RestoreReport:
    """What of a backbone came from a checkpoint.

    Attributes:
        variables: variables restored, `of` so many.
        parameters: parameters (elements) in them, `of_parameters` so many.
        problems: a line for each variable of the backbone that was not restored.
    """

    variables: int
    of: int
    parameters: int
    of_parameters: int
    problems: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The restored share of the backbone's parameters, 0 to 1."""
        return self.parameters / self.of_parameters

    def to_dict(self) -> dict[str, int]:
        """The four figures as `metrics.json` has them."""
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
    backbone: keras.layers.Layer, checkpoint: Checkpoint, *, allow_partial: bool = False
) -> RestoreReport:
    """Copies the checkpoint's backbone weights into `backbone`, variable by variable, by name.

    Args:
        backbone: a built backbone.
        checkpoint: of any stage; only its backbone is used.
        allow_partial: whether less than 99 % of the parameters is acceptable.

    Raises:
        CheckpointError: less than that was restored; the message names what is missing.
    """
    return _transfer(backbone, load_model(checkpoint).backbone, checkpoint, allow_partial)


def transfer_pretraining(
    model: PretrainingModel, checkpoint: Checkpoint
) -> tuple[RestoreReport, tuple[str, ...]]:
    """Copies the backbone and the objectives' heads, for pre-training that goes on.

    Args:
        model: built, with the checkpoint's architecture.
        checkpoint: of pre-training.

    Returns:
        The backbone's report, and the objectives that the checkpoint has no head for.

    Raises:
        CheckpointError: less than 99 % of the backbone was restored, or a head is another one.
    """
    source = load_model(checkpoint)
    heads = {head.name: head for head in source.heads}
    fresh = tuple(head.name for head in model.heads if head.name not in heads)
    for head in model.heads:
        if head.name in fresh:
            continue
        theirs, ours = named_variables(heads[head.name]), named_variables(head)
        for name, variable in ours.items():
            if name not in theirs or theirs[name].shape != variable.shape:
                raise CheckpointError(f"{checkpoint.folder}: its {head.name} head is another one.")
            variable.assign(theirs[name])
    return _transfer(model.backbone, source.backbone, checkpoint, allow_partial=False), fresh


def _transfer(
    backbone: keras.layers.Layer,
    stored: keras.layers.Layer,
    checkpoint: Checkpoint,
    allow_partial: bool,
) -> RestoreReport:
    source = named_variables(stored)
    restored, parameters, problems = 0, 0, []
    target = named_variables(backbone)
    for name, variable in target.items():
        if name not in source:
            problems.append(f"{name}: not in the checkpoint")
        elif source[name].shape != variable.shape:
            problems.append(
                f"{name}: {tuple(source[name].shape)} in the checkpoint, "
                f"{tuple(variable.shape)} in the model"
            )
        else:
            variable.assign(source[name])
            restored += 1
            parameters += _size(variable)
    report = RestoreReport(
        variables=restored,
        of=len(target),
        parameters=parameters,
        of_parameters=sum(_size(variable) for variable in target.values()),
        problems=tuple(problems),
    )
    if report.share < REQUIRED_SHARE and not allow_partial:
        raise CheckpointError(
            f"{checkpoint.folder}: {report}; not restored: {'; '.join(problems)}. "
            "--allow_partial_restore goes on all the same."
        )
    return report


def start_head(head: keras.layers.Layer, checkpoint: Checkpoint) -> None:
    """Lets a head take over the weights of the pre-trained head that it starts from.

    Args:
        head: built; its `starts_from` names an objective.
        checkpoint: of pre-training.

    Raises:
        CheckpointError: the checkpoint was not pre-trained with this objective.
    """
    if head.starts_from not in checkpoint.config.get("objectives", ()):
        raise CheckpointError(
            f"{checkpoint.folder}: this checkpoint has no {head.starts_from} head to start from. "
            f"Pre-train with {head.starts_from} among the --objectives, or choose another --head."
        )
    objectives = {objective.name: objective for objective in load_model(checkpoint).heads}
    head.start_from(objectives[head.starts_from])


def repeat_positions(backbone: keras.layers.Layer, checkpoint: Checkpoint, length: int) -> bool:
    """Fills the learned position vectors that a checkpoint's sequences did not reach, if need be.

    Args:
        backbone: with the checkpoint's weights.
        checkpoint: of any stage.
        length: of the sequences to come, in tokens.

    Returns:
        Whether they are longer than the checkpoint's, and the backbone learns its positions.
    """
    positions = backbone.embeddings.positional_encoding
    trained = checkpoint.setting("sequence_length", int)
    if positions.kind != "learned" or not 1 < trained < length:
        return False
    positions.repeat(trained)
    return True


def named_variables(layer: keras.layers.Layer) -> dict[str, keras.Variable]:
    """The variables of a backbone or a head by their path below it."""
    # The path begins with the model that the layer was built in, which differs by stage.
    return {variable.path.rpartition(f"{layer.name}/")[2]: variable for variable in layer.weights}


def _size(variable: keras.Variable) -> int:
    size = 1
    for dimension in variable.shape:
        size *= int(dimension)
    return size
