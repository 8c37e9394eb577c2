"""The objectives of a pre-training run, and what they need of the options and the data."""

from collections.abc import Sequence
from typing import Any

from common.errors import ConfigError, InputError, OptionError
from data_util.pretraining.corpus import PretrainingCorpus
from data_util.pretraining.mentioned_labels import ARRAYS
from data_util.reading.mentions import LabelMentions
from models.checkpoints.folder import MENTION_LABELS, Checkpoint
from models.objectives.selection import check_objectives, check_visibilities
from models.registry import OBJECTIVES
from training.options.scripts import PretrainingOptions
from training.preparation import architecture
from training.preparation.noise import noise_names


def objectives(options: PretrainingOptions) -> tuple[str, ...]:
    """The chosen objectives, in the order of the registry rather than that of the option.

    Their heads draw their initial weights in this order.

    Raises:
        OptionError: they cannot be trained together.
    """
    chosen = tuple(name for name in OBJECTIVES if name in options.objectives)
    try:
        check_objectives(chosen)
        noise_names(options, chosen)
    except ConfigError as error:
        raise OptionError(f"--objectives={','.join(chosen)}: {error}") from error
    return chosen


def check_backbone(
    options: PretrainingOptions, names: Sequence[str], start: Checkpoint | None
) -> None:
    """Checks the backbone of a run before its text is read.

    Args:
        options: of the run.
        names: the objectives.
        start: the checkpoint from which pre-training continues, or None.

    Raises:
        ConfigError, OptionError: its sizes contradict each other or the checkpoint, or it cannot
            see as the objectives ask.
    """
    if start is None:
        config = architecture.new_backbone_config(options, vocab_size=1)
    else:
        config = architecture.restored_backbone_config(options, start, allow_changes=False)
    try:
        check_visibilities(names, config)
    except ConfigError as error:
        raise OptionError(f"--objectives={','.join(names)}: {error}") from error


def objective_settings(
    options: PretrainingOptions, names: Sequence[str], **facts: Any
) -> dict[str, Any]:
    """The settings of these objectives: their options, and facts about the data.

    Args:
        options: of the run.
        names: the objectives.
        facts: further settings by name.
    """
    wanted = {setting for name in names for setting in OBJECTIVES[name].settings}
    chosen = {name: value for name, value in options.to_dict().items() if name in wanted}
    return {**chosen, **facts}


def label_mentions(
    options: PretrainingOptions, names: Sequence[str], start: Checkpoint | None
) -> LabelMentions | None:
    """The labels to look for in the text; None if no objective reads which ones it names.

    Args:
        options: of the run.
        names: the objectives.
        start: the checkpoint from which pre-training continues, if there is one.

    Raises:
        OptionError: there is no file of labels, or the checkpoint has learned other labels.
        InputError: a file cannot be read.
    """
    readers = [name for name in names if set(ARRAYS) & set(OBJECTIVES[name].arrays)]
    if not readers:
        return None
    given: dict[str, Any] = options.to_dict()
    names_file = given.get("label_names_file")
    if not names_file:
        raise OptionError(
            f"--label_names_file= is empty, but the objective {readers[0]} learns which labels the "
            "text names: give a file with one label per line, or leave the objective out of "
            "--objectives."
        )
    mentions = LabelMentions.read(names_file, given.get("label_pattern_file") or None)
    learned = mention_files(mentions.labels)[MENTION_LABELS]
    if start and MENTION_LABELS in start.files and start.text(MENTION_LABELS) != learned:
        raise OptionError(
            f"--label_names_file={names_file}: the checkpoint {start.folder} has learned other "
            f"labels, or in another order: give those of its {MENTION_LABELS}."
        )
    return mentions


def check_mentions(corpus: PretrainingCorpus, options: PretrainingOptions) -> None:
    """Checks that there is something to learn, if labels were looked for in the text.

    Raises:
        InputError: no document names a label.
    """
    if corpus.labels and not corpus.naming:
        raise InputError(
            "no document names any of these labels: do --label_names_file and "
            "--label_pattern_file fit the text?",
            options.to_dict()["label_names_file"],
        )


def mention_files(labels: Sequence[str]) -> dict[str, str]:
    """The text files for the checkpoint, by name: the labels, one per line, if there are any."""
    return {MENTION_LABELS: "".join(f"{label}\n" for label in labels)} if labels else {}
