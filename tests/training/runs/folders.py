"""Folders of runs of pre-training."""

from training.options.scripts import PretrainingOptions
from training.runs.run_folder import RunFolder


def options_of(folder, text=None, **changes):
    files = [str(text)] if text else []
    return PretrainingOptions(ckpt_dir=str(folder), mask_lm_source_file=files, **changes)


def folder_of(path, text=None, vocabulary="[PAD]\n", **changes):
    folder = RunFolder(options_of(path, text, **changes), "ckpt_dir")
    folder.set_metadata({"stage": "pretraining"}, {"vocab.txt": vocabulary})
    return folder


def begun(path, model, text=None, *, finished=False, **changes):
    """A run that wrote a checkpoint."""
    with folder_of(path, text, **changes) as folder:
        folder.begin("pretraining")
        folder.save(model, {"best_epoch": 1}, {"epoch": 1}, best=True)
        if finished:
            folder.finish(model, {"best_epoch": 1}, {})
