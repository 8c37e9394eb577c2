"""A backbone, an objective and a task of someone else, in the scripts' functions unchanged."""

import json
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from common.errors import OptionError
from common.parsing import help_text, parse_options
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from predict import predict
from serving.app import make_app
from serving.options import ServingOptions
from tests import toys
from tests.toys.choices import choice_lines
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training.loop.training_state import TrainingState
from training.options.conversion import ExportOptions
from training.options.scripts import (
    FineTuningOptions,
    PredictionOptions,
    PretrainingOptions,
    TransformOptions,
)
from training.prediction import Predictor
from training.runs.run_folder import RunFolder


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def pretraining_of(tiny, with_toys):
    """Gives options of pre-training with the toys, as a command line would."""

    def make(folder, **changes):
        values = tiny.pretraining(
            "toy",
            objectives=["toy"],
            toy_factor=2.0,
            reach=2,
            tokenize_style="char",
            save_every_steps=2,
            learning_rate=1e-2,
            ckpt_dir=str(folder),
        )
        return PretrainingOptions(**(values | changes))

    return make


@pytest.fixture(scope="module")
def pretrained(tiny, pretraining_of):
    """The options of pre-training with the toys, and its metrics."""
    options = pretraining_of(tiny.folder / "toy_lm", num_epochs=3)
    return options, pretrain(options)


@pytest.fixture(scope="module")
def choosing_of(tiny, pretrained):
    """Gives options of fine-tuning the pre-trained toy to the toy task."""
    for number, (split, count) in enumerate({"train": 60, "valid": 20, "test": 20}.items()):
        lines = "".join(choice_lines(count, number, right="骗", others="告当日人"))
        (tiny.folder / f"choices_{split}.jsonl").write_text(lines, encoding="utf-8")

    def make(name, **changes):
        files = {
            f"{option}_data_file": [str(tiny.folder / f"choices_{split}.jsonl")]
            for option, split in (("training", "train"), ("valid", "valid"), ("test", "test"))
        }
        values = tiny.fine_tuning(
            **files,
            task="toy",
            ckpt_dir=pretrained[0].ckpt_dir,
            ckpt_dir_save=str(tiny.folder / name),
            sequence_length=12,
            save_every_steps=2,
        )
        return FineTuningOptions(**(values | changes))

    return make


@pytest.fixture(scope="module")
def chosen(choosing_of):
    """The options of fine-tuning to the toy task, and its metrics."""
    options = choosing_of("toy_choices")
    return options, fine_tune(options)


def predictor_of(run):
    return Predictor(Path(run[0].ckpt_dir_save))


def config_of(folder):
    return json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))


def test_pretraining(pretrained):
    options, metrics = pretrained
    losses = [entry["train"]["toy_loss"] for entry in metrics["history"]]
    assert losses[-1] < losses[0]
    last = metrics["history"][-1]["train"]
    assert set(last) == {"loss", "toy_loss", "toy_accuracy"}
    assert last["loss"] == pytest.approx(2 * last["toy_loss"])
    config = config_of(options.ckpt_dir)
    assert config["objectives"] == ["toy"]
    assert (config["backbone"]["backbone"], config["backbone"]["reach"]) == ("toy", 2)
    assert config["options"]["toy_factor"] == 2.0
    model = load_model(read_checkpoint(Path(options.ckpt_dir)))
    assert model.objectives == ("toy",) and model.backbone.config.reach == 2


def test_fine_tuning_to_the_toy_task(chosen):
    options, metrics = chosen
    assert metrics["score"] == "accuracy"
    assert metrics["restored"]["variables"] == metrics["restored"]["of"]
    assert metrics["test"]["accuracy"] > 0.8
    assert metrics["test"]["examples"] == 20
    scores = [entry["valid"]["accuracy"] for entry in metrics["history"]]
    assert metrics["best_epoch"] == int(np.argmax(scores)) + 1
    # What the evaluation keeps in metrics.json: the best validation was the last to be settled.
    assert metrics["settled_at"] == metrics["best_epoch"]
    assert metrics["validations"] == len(scores)
    config = config_of(options.ckpt_dir_save)
    assert (config["task"], config["options"]["max_options"]) == ("toy", 9)
    assert config["backbone"]["reach"] == 2


def test_fine_tuning_to_classification(tiny, pretrained, tmp_path):
    folder = str(tmp_path / "labels")
    options = tiny.fine_tuning(ckpt_dir=pretrained[0].ckpt_dir, ckpt_dir_save=folder)
    metrics = fine_tune(FineTuningOptions(**options))
    assert metrics["restored"]["variables"] == metrics["restored"]["of"]
    assert metrics["test"]["micro_f1"] > 0.5
    (tmp_path / "in.txt").write_text("被告人冒充骗取\n\n", encoding="utf-8")
    arguments = {"input": str(tmp_path / "in.txt"), "output": str(tmp_path / "out.jsonl")}
    assert predict(PredictionOptions(ckpt_dir=folder, **arguments)) == 2


def test_a_size_that_contradicts_the_checkpoint(choosing_of):
    with pytest.raises(OptionError, match=r"--reach=5 .* contradicts .* has reach=2"):
        fine_tune(choosing_of("contradiction", reach=5))
    with pytest.raises(OptionError, match=r"--num_layer=1: .* holds a toy, which has no use"):
        fine_tune(choosing_of("contradiction", num_layer=1))


def test_predict_gives_a_line_for_each_line(chosen, tiny, tmp_path):
    options, metrics = chosen
    lines = (tiny.folder / "choices_test.jsonl").read_text(encoding="utf-8").splitlines(True)
    (tmp_path / "in.jsonl").write_text("".join([*lines[:3], "\n", *lines[3:]]), encoding="utf-8")
    arguments = {"input": str(tmp_path / "in.jsonl"), "output": str(tmp_path / "out.jsonl")}
    assert predict(PredictionOptions(ckpt_dir=options.ckpt_dir_save, **arguments)) == 21
    results = [json.loads(line) for line in (tmp_path / "out.jsonl").open(encoding="utf-8")]
    assert results.pop(3) == {"choice": None, "probabilities": []}
    hits = []
    for line, result in zip(lines, results, strict=True):
        record = json.loads(line)
        assert len(result["probabilities"]) == len(record["options"])
        assert sum(result["probabilities"]) == pytest.approx(1, abs=1e-5)
        hits.append(result["choice"] == record["answer"])
    # The same file as the test file of the run.
    assert np.mean(hits) == pytest.approx(metrics["test"]["accuracy"])


@pytest.mark.parametrize("stage", ["pretraining", "fine_tuning"])
def test_a_run_that_was_killed_ends_as_if_it_had_not_been(
    stage, tmp_path, pretraining_of, choosing_of, pretrained, chosen, monkeypatch
):
    class KilledError(BaseException):
        pass

    if stage == "pretraining":
        options, whole, start = pretraining_of(tmp_path, num_epochs=3), pretrained, pretrain
        folder, other = options.ckpt_dir, whole[0].ckpt_dir
    else:
        options, whole, start = choosing_of("killed"), chosen, fine_tune
        folder, other = options.ckpt_dir_save, whole[0].ckpt_dir_save
    save, calls = RunFolder.save, []

    def killed_after_saving(self, *arguments, **keywords):
        save(self, *arguments, **keywords)
        calls.append(1)
        if len(calls) == 3:
            raise KilledError

    monkeypatch.setattr(RunFolder, "save", killed_after_saving)
    with pytest.raises(KilledError):
        start(options)
    state = TrainingState.of(read_checkpoint(Path(folder) / "last"))
    assert state.epoch > 0 or state.step_in_epoch > 0
    monkeypatch.undo()

    def timeless(metrics):
        history = [{**entry, "seconds": None} for entry in metrics["history"]]
        return {**metrics, "history": history}

    assert timeless(start(options)) == timeless(whole[1])
    digests = [
        json.loads((Path(one) / "manifest.json").read_text())["files"]["model.weights.h5"]
        for one in (folder, other)
    ]
    assert digests[0] == digests[1]


def test_the_service(chosen):
    app = make_app(predictor_of(chosen), ServingOptions())
    with TestClient(app, base_url="http://localhost") as client:
        inputs = [{"options": ["骗人", "日"]}, {"options": [" "]}]
        answer = client.post("/v1/predict", json={"input": inputs})
        assert answer.status_code == 200, answer.text
        first, blank = answer.json()["results"]
        assert first["choice"] in (0, 1) and len(first["probabilities"]) == 2
        assert blank == {"choice": None, "probabilities": []}
        alone = client.post("/v1/predict", json={"input": inputs[0]}).json()["results"]
        assert alone == [first]
        assert client.get("/v1/labels").json() == {"task": "toy", "labels": []}
        assert client.post("/v1/explain", json={"input": inputs[0]}).status_code == 404
        for wrong in ("甲", {"options": "甲"}, {"options": []}, {"text": "甲"}):
            assert client.post("/v1/predict", json={"input": wrong}).status_code == 422


def test_the_export(chosen, tmp_path):
    from conversion.export import export
    from conversion.exported import ExportedModel

    options, _ = chosen
    folder = export(ExportOptions(ckpt_dir=options.ckpt_dir_save, out=str(tmp_path / "out")))
    exported, predictor = ExportedModel(folder), predictor_of(chosen)
    assert exported.description["task"] == "toy"
    encoded = predictor.encode([("当日", "人"), ("告",)])
    inputs = predictor.task.inputs(encoded, predictor.text)
    assert inputs.pop("example").tolist() == [0, 0, 1]
    expected = np.concatenate(predictor.outputs(encoded))
    np.testing.assert_allclose(exported(inputs)["logits"], expected, atol=1e-4)


def test_a_threshold_is_refused(chosen):
    with pytest.raises(OptionError, match="--threshold: the task toy has no such option"):
        Predictor(Path(chosen[0].ckpt_dir_save), threshold=0.5)


@pytest.mark.parametrize("options_class", [FineTuningOptions, TransformOptions])
def test_the_task_brings_its_options(options_class, tmp_path):
    files = "--training_data_file=mine.txt"
    options, given = parse_options(options_class, ["--task=toy", "--max_options=3", files])
    assert isinstance(options, options_class)
    assert options.max_options == 3 and given == {"task", "max_options", "training_data_file"}
    assert not hasattr(options, "label_field")
    with pytest.raises(OptionError, match="--max_options: there is no such option"):
        parse_options(options_class, ["--max_options=3"])
    with pytest.raises(OptionError, match="--label_field: there is no such option"):
        parse_options(options_class, ["--task=toy", "--label_field=accusation"])
    with pytest.raises(OptionError, match="--max_options=1: must be at least 2"):
        options_class(task="toy", max_options=1, training_data_file=["mine.txt"])
    with pytest.raises(OptionError, match=r"--task=\?: must be one of multi_label, .*toy"):
        parse_options(options_class, ["--task=?"])
    # A checkpoint's config.json as the file with the options.
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"options": options.to_dict()}))
    assert parse_options(options_class, [f"--options_file={file}"])[0] == options


def test_backbone_and_objective_bring_their_options():
    arguments = ["--backbone=toy", "--reach=4", "--objectives=toy", "--toy_factor=0.5"]
    options, _ = parse_options(PretrainingOptions, arguments)
    assert (options.reach, options.toy_factor) == (4, 0.5)
    assert not hasattr(options, "num_sampled")
    with pytest.raises(OptionError, match="--toy_factor: there is no such option"):
        parse_options(PretrainingOptions, ["--toy_factor=0.5"])
    with pytest.raises(OptionError, match="--reach=101: must be from 1 to 100"):
        parse_options(PretrainingOptions, ["--reach=101"])
    with pytest.raises(OptionError, match=r"--backbone=x: must be one of text_cnn, .*toy"):
        parse_options(PretrainingOptions, ["--backbone=x"])


def test_help():
    text = help_text(FineTuningOptions, "fine_tune", "", ["--task=toy", "--help"])
    assert "The toy (--task=toy):" in text and "--max_options=9" in text
    assert "positions seen to each side (toy); default 3" in " ".join(text.split())
    assert "text_cnn | transformer | lstm | toy]" in " ".join(text.split())
    assert "--tfidf_classifier" not in text
    assert "--tfidf_classifier" in help_text(FineTuningOptions, "fine_tune", "")
    text = help_text(PretrainingOptions, "pretrain", "", ["--objectives=toy"])
    assert "The toy (--objectives=toy):" in text and "--num_sampled" not in text
