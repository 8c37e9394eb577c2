"""The files of the bundled sample, which a run learns from if it names none."""

from common.errors import OptionError
from tasks.registry import SAMPLES


def sample_files(task: str, split: str) -> list[str]:
    """The sample's files for a split ("train", "valid" or "test").

    Raises:
        OptionError: the sample has no examples of this task.
    """
    if task not in SAMPLES:
        raise OptionError(
            f"--task={task}: the bundled sample has no examples of it; name files of your own with "
            "--training_data_file."
        )
    return [SAMPLES[task].format(split=split)]
