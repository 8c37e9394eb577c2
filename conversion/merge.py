"""Makes a checkpoint whole that holds only what was trained on top of another one.

python -m conversion.merge CKPT_DIR OUT [--base_dir=FOLDER]
"""

import dataclasses
import logging
from pathlib import Path

from training.command_line import run
from training.options.conversion import MergeOptions

logger = logging.getLogger(__name__)


def merge(options: MergeOptions) -> None:
    """Writes a checkpoint with all weights, which needs no other one.

    Low-rank updates are added to the matrices that they belong to, so that the backbone is an
    ordinary one. Adapters stay what they are.

    Raises:
        CheckpointError: the checkpoint cannot be read, is whole already, or its base is not there.
        OptionError: the output folder is taken.
    """
    # Imported here, so that `--help` is fast.
    from common.errors import CheckpointError, OptionError
    from models.checkpoints.folder import (
        CONFIG,
        METRICS,
        OPTIMIZER,
        PART,
        TRAINING_STATE,
        read_checkpoint,
    )
    from models.checkpoints.writing import write_checkpoint
    from models.tuning.stored import stored_tuning
    from tasks.loading import load_task_model

    output = Path(options.out)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OptionError(f"{output}: this exists already; name a new folder.")
    checkpoint = read_checkpoint(Path(options.ckpt_dir))
    if PART not in checkpoint.files:
        raise CheckpointError(f"{checkpoint.folder}: this checkpoint is whole already.")
    config = dict(checkpoint.config)
    base = checkpoint.setting("base", dict)
    if options.base_dir:
        base = {**base, "folder": options.base_dir}
        checkpoint = dataclasses.replace(checkpoint, config={**config, "base": base})
    _, model = load_task_model(checkpoint)
    del config["base"], config["format_version"]
    if stored_tuning(config).is_mergeable:
        del config["tuning"]
    apart = {CONFIG, METRICS, PART, OPTIMIZER, TRAINING_STATE}
    write_checkpoint(
        output,
        config=config,
        model=model,
        texts={name: checkpoint.text(name) for name in checkpoint.files if name not in apart},
        metrics=checkpoint.json(METRICS),
    )
    logger.info(
        "wrote %s: the weights of %s and of %s", output, base.get("folder"), options.ckpt_dir
    )


def main() -> None:
    """Runs the command."""
    run(merge, MergeOptions, "Merge what --tuning=lora or adapter has trained with its base.")


if __name__ == "__main__":
    main()
