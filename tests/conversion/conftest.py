"""The exports of tiny classifiers."""

import functools

import pytest

from conversion.export import export
from tests.conftest import functions_run
from train_bert_fine_tuning import fine_tune
from training.options.conversion import ExportOptions
from training.options.scripts import FineTuningOptions

NEEDED = {
    "saved_model": ("tensorflow",),
    "onnx": ("onnx", "tf2onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
}


@pytest.fixture(scope="session")
def classifier_of(run_of, tiny):
    """Gives the checkpoint of one of the classifiers, made when it is first asked for."""

    @functools.cache
    def make(name):
        backbone, _, head = name.partition("/")
        run = run_of(backbone)
        if not head:
            return run.fine_tuned
        folder = tiny.folder / f"save_{backbone}_{head}"
        changes = {"ckpt_dir": str(run.pretrained), "ckpt_dir_save": str(folder), "num_epochs": 1}
        with functions_run(eagerly=True):
            fine_tune(FineTuningOptions(**tiny.fine_tuning(head=head, **changes)))
        return folder

    return make


@pytest.fixture(scope="session")
def exported(classifier_of, tmp_path_factory):
    """Exports a checkpoint, once for each format: (folder of the export, checkpoint)."""

    @functools.cache
    def make(name, form, quantize="none"):
        for package in NEEDED[form]:
            pytest.importorskip(package, reason=f"{package} is not installed")
        checkpoint = classifier_of(name)
        options = {
            "ckpt_dir": str(checkpoint),
            "out": str(tmp_path_factory.mktemp("export") / "out"),
        }
        return export(ExportOptions(**options, format=form, quantize=quantize)), checkpoint

    return make
