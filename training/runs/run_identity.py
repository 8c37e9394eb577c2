"""The identity of a run: its options, its data, and the checkpoint from which it starts."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from common.files import digests
from common.options import Options
from data_util.reading.sources import check_paths, data_files
from models.checkpoints.folder import content_digests

# Options that affect where and how fast a result is produced, but not the result.
_NEUTRAL = (
    "overwrite",
    "process_num",
    "data_path",
    "save_every_steps",
    "distribute",
    "coordinator",
    "num_processes",
    "process_id",
)
# Options that name files, which are identified by content: a file that was moved is the same file.
_FILES = (
    "mask_lm_source_file",
    "training_data_file",
    "valid_data_file",
    "test_data_file",
    "vocab_file",
    "word2vec_model_path",
    "label_names_file",
    "label_pattern_file",
    "mention_source_file",
    "label_descriptions_file",
    "threshold_file",
    "unlabelled_file",
)
# Options that name the checkpoint to start from (in pre-training, --ckpt_dir is the output).
START_OPTIONS = ("init_ckpt_dir", "ckpt_dir")


def run_identity(options: Options, output: str) -> dict[str, Any]:
    """Describes a run; two runs have equal descriptions if they must give the same result.

    Args:
        options: the options of the run.
        output: the name of the option that gives the output folder.

    Returns:
        A dict that can be written as JSON: "options", their values by name; "files", by option a
        list of the path and SHA-256 of each file; "checkpoint", the SHA-256 by file name of the
        files used from the checkpoint that the run starts from, or None; "teachers", a list of the
        same of the checkpoints that it learns from.

    Raises:
        InputError: a file cannot be read.
        CheckpointError: the checkpoint cannot be read.
    """
    values = options.to_dict()
    files = {name: _digests(values.pop(name)) for name in _FILES if name in values}
    start = None
    for name in START_OPTIONS:
        if name != output and (folder := values.pop(name, "")):
            start = content_digests(Path(folder))
    teachers = [content_digests(Path(folder)) for folder in values.pop("teacher", [])]
    for name in (output, *_NEUTRAL):
        values.pop(name, None)
    return {"options": values, "files": files, "checkpoint": start, "teachers": teachers}


def differences(
    there: Mapping[str, Any], here: Mapping[str, Any], but: Collection[str] = ()
) -> list[str]:
    """Lists the differences between two identities, for messages.

    Args:
        there: the identity of the run in the folder.
        here: the identity of the current run.
        but: options that may differ.

    Returns:
        One entry per difference, with both values.
    """
    found = []
    before, now = there.get("options", {}), here["options"]
    for name in sorted((before.keys() | now.keys()).difference(but)):
        if before.get(name) != now.get(name) or (name in before) != (name in now):
            found.append(f"--{name}={_text(before, name)} there, {_text(now, name)} here")
    before, now = there.get("files", {}), here["files"]
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, []), now.get(name, [])
        if [digest for _, digest in old] != [digest for _, digest in new]:
            found.append(f"--{name}: other text ({_names(old)} there, {_names(new)} here)")
    if there.get("checkpoint") != here["checkpoint"]:
        found.append("it started from another checkpoint")
    if there.get("teachers", []) != here["teachers"]:
        found.append("it learned from other teachers")
    return found


def _digests(value: str | list[str]) -> list[list[str]]:
    if not value:
        return []
    # A list may name folders and patterns.
    files = check_paths(value) if isinstance(value, str) else data_files(value)
    return [[str(path), digest] for path, digest in zip(files, digests(files), strict=True)]


def _text(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return "unknown"
    return "(not given)" if values[name] is None else str(values[name])


def _names(files: list[list[str]]) -> str:
    return ", ".join(f"{path} ({digest[:8]})" for path, digest in files) or "none"
