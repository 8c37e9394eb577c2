"""`--test_mode`: runs the whole pipeline in under a minute, separately from full runs.

Test runs have their own default folders, so that they do not interfere with full runs; options
given on the command line are not changed. The fingerprint of a cache includes the limit on
documents and a checkpoint's configuration has a flag, so that a full run never uses those of a
test run.
"""

from collections.abc import Set as AbstractSet

from common.options import Options
from common.parsing import OptionsT
from training.options.groups import TEST_MODE_DOCUMENTS, RunOptions
from training.options.scripts import FineTuningOptions, PretrainingOptions

_VALUES = {
    "num_epochs": 1,
    "batch_size": 16,
    "preset": "tiny",
    "sequence_length_lm": 128,
    "sequence_length": 128,
    "overwrite": True,
}
_FOLDERS = ("ckpt_dir", "ckpt_dir_save")


def in_test_mode(options: OptionsT, given: AbstractSet[str]) -> OptionsT:
    """Returns the options of a test run: small values and separate folders, unless given.

    Args:
        options: as parsed.
        given: the names of the options that the command line gives.
    """
    known = options.to_dict()
    changes = {
        name: value for name, value in _VALUES.items() if name in known and name not in given
    }
    if _starts_from_checkpoint(options):
        changes.pop("preset", None)
    for name in _FOLDERS:
        if known.get(name) and name not in given:
            changes[name] = f"{known[name]}_test"
    if not _output_is_default(options, given):
        # A folder that the user named may hold something that must not be replaced.
        changes.pop("overwrite", None)
    return options.replace(**changes)


def _starts_from_checkpoint(options: Options) -> bool:
    if isinstance(options, PretrainingOptions):
        return bool(options.init_ckpt_dir)
    return isinstance(options, FineTuningOptions) and bool(options.ckpt_dir)


def _output_is_default(options: Options, given: AbstractSet[str]) -> bool:
    output = "ckpt_dir" if isinstance(options, PretrainingOptions) else "ckpt_dir_save"
    return output not in given


def document_limit(options: RunOptions) -> int | None:
    """The maximum number of documents to read per split; None for all."""
    return TEST_MODE_DOCUMENTS if options.test_mode else None
