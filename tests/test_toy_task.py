"""A task that is registered when the tests run, through the functions of the scripts, unchanged."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from fastapi.testclient import TestClient

from common.errors import OptionError
from common.parsing import help_text, parse_options
from models.checkpoints.folder import read_checkpoint
from serving.app import make_app
from serving.options import ServingOptions
from tests import toys
from tests.toys.choices import choice_lines
from train_bert_fine_tuning import fine_tune
from training.loop.training_state import TrainingState
from training.options.scripts import FineTuningOptions, PredictionOptions, TransformOptions
from training.prediction import Predictor, predict
from training.runs.run_folder import RunFolder


@pytest.fixture(scope="module", autouse=True)
def toys_are_registered():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def options_of(tmp_path_factory):
    """Gives options of a tiny run from random weights."""
    folder = tmp_path_factory.mktemp("toy")
    for number, (split, count) in enumerate({"train": 60, "valid": 20, "test": 20}.items()):
        lines = "".join(choice_lines(count, number))
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")

    def make(name, **changes):
        values = {
            "task": "toy",
            "training_data_file": [str(folder / "train.jsonl")],
            "valid_data_file": [str(folder / "valid.jsonl")],
            "test_data_file": [str(folder / "test.jsonl")],
            "data_path": str(folder / "data"),
            "ckpt_dir": "",
            "ckpt_dir_save": str(folder / name),
            "tokenize_style": "char",
            "min_count": 1,
            "preset": "tiny",
            "d_model": 16,
            "num_header": 2,
            "num_filters": 8,
            "sequence_length": 12,
            "batch_size": 16,
            "num_epochs": 3,
            "learning_rate": 1e-2,
            "head_learning_rate": 1e-2,
            "save_every_steps": 2,
        }
        return FineTuningOptions(**(values | changes))

    return make


@pytest.fixture(scope="module")
def fine_tuned(options_of):
    """The options and the metrics of a run."""
    options = options_of("whole")
    return options, fine_tune(options)


def weights_of(folder):
    arrays = {}
    with h5py.File(f"{folder}/model.weights.h5") as file:
        file.visititems(
            lambda name, item: arrays.update({name: item[()]}) if hasattr(item, "shape") else None
        )
    return arrays


def test_it_learns_and_is_measured_by_its_own_score(fine_tuned):
    options, metrics = fine_tuned
    assert metrics["score"] == "accuracy"
    assert metrics["test"]["accuracy"] > 0.8
    assert metrics["test"]["examples"] == 20
    scores = [entry["valid"]["accuracy"] for entry in metrics["history"]]
    assert metrics["best_epoch"] == int(np.argmax(scores)) + 1
    # What the evaluation keeps in metrics.json: the best validation was the last to be settled.
    assert metrics["settled_at"] == metrics["best_epoch"]
    assert metrics["validations"] == len(scores)
    config = read_checkpoint_config(options)
    assert (config["task"], config["options"]["max_options"]) == ("toy", 9)


def read_checkpoint_config(options):
    with open(f"{options.ckpt_dir_save}/config.json", encoding="utf-8") as file:
        return json.load(file)


def test_predict_gives_a_line_for_each_line(fine_tuned, tmp_path):
    options, metrics = fine_tuned
    lines = choice_lines(20, 2)
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


def test_the_order_of_options_changes_nothing(fine_tuned):
    predictor = predictor_of(fine_tuned)
    options = ("甲乙", "丙丁", "戊")
    (one,) = predictor.predict([options])
    (other,) = predictor.predict([options[::-1]])
    assert one["probabilities"] == pytest.approx(other["probabilities"][::-1], abs=1e-5)


def predictor_of(fine_tuned):
    return Predictor(Path(fine_tuned[0].ckpt_dir_save))


def test_a_run_that_was_killed_ends_as_if_it_had_not_been(options_of, fine_tuned, monkeypatch):
    class KilledError(BaseException):
        pass

    options, calls = options_of("killed"), []
    save = RunFolder.save

    def killed_after_saving(self, *arguments, **keywords):
        save(self, *arguments, **keywords)
        calls.append(1)
        if len(calls) == 3:  # within the second epoch
            raise KilledError

    monkeypatch.setattr(RunFolder, "save", killed_after_saving)
    with pytest.raises(KilledError):
        fine_tune(options)
    state = TrainingState.of(read_checkpoint(Path(options.ckpt_dir_save) / "last"))
    assert state.epoch == 1 and state.step_in_epoch > 0
    monkeypatch.undo()
    metrics = fine_tune(options)

    def timeless(metrics):
        history = [{**entry, "seconds": None} for entry in metrics["history"]]
        return {**metrics, "history": history}

    assert timeless(metrics) == timeless(fine_tuned[1])
    expected, found = weights_of(fine_tuned[0].ckpt_dir_save), weights_of(options.ckpt_dir_save)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_service(fine_tuned):
    app = make_app(predictor_of(fine_tuned), ServingOptions())
    with TestClient(app) as client:
        inputs = [{"options": ["甲乙", "丙"]}, {"options": [" "]}]
        answer = client.post("/v1/predict", json={"input": inputs})
        assert answer.status_code == 200, answer.text
        first, blank = answer.json()["results"]
        assert first["choice"] == 0 and len(first["probabilities"]) == 2
        assert blank == {"probabilities": []}
        alone = client.post("/v1/predict", json={"input": inputs[0]}).json()["results"]
        assert alone == [first]
        assert client.get("/v1/labels").json() == {"task": "toy", "labels": []}
        assert client.post("/v1/explain", json={"input": inputs[0]}).status_code == 404
        for wrong in ("甲", {"options": "甲"}, {"options": []}, {"text": "甲"}):
            assert client.post("/v1/predict", json={"input": wrong}).status_code == 422


def test_the_export(fine_tuned, tmp_path):
    from conversion.export import export
    from conversion.exported import ExportedModel
    from training.options.scripts import ExportOptions

    options, _ = fine_tuned
    folder = export(ExportOptions(ckpt_dir=options.ckpt_dir_save, out=str(tmp_path / "out")))
    exported, predictor = ExportedModel(folder), predictor_of(fine_tuned)
    assert exported.description["task"] == "toy"
    encoded = predictor.encode([("甲乙", "丙"), ("丁",)])
    inputs = predictor.task.inputs(encoded, predictor.text)
    example = inputs.pop("example")
    assert example.tolist() == [0, 0, 1]
    expected = np.concatenate(predictor.outputs(encoded))
    np.testing.assert_allclose(exported(inputs)["logits"], expected, atol=1e-4)


def test_a_threshold_is_refused(fine_tuned):
    with pytest.raises(OptionError, match=r"--threshold=0\.5: the task toy has no thresh"):
        Predictor(Path(fine_tuned[0].ckpt_dir_save), threshold=0.5)


@pytest.mark.parametrize("options_class", [FineTuningOptions, TransformOptions])
def test_its_options_come_with_its_name(options_class, tmp_path):
    options, given = parse_options(options_class, ["--task=toy", "--max_options=3"])
    assert isinstance(options, options_class)
    assert options.max_options == 3 and given == {"task", "max_options"}
    assert not hasattr(options, "label_field")
    assert parse_options(options_class, ["--task", "toy"])[0].max_options == 9
    with pytest.raises(OptionError, match="--max_options: there is no such option"):
        parse_options(options_class, ["--max_options=3"])
    with pytest.raises(OptionError, match="--label_field: there is no such option"):
        parse_options(options_class, ["--task=toy", "--label_field=accusation"])
    with pytest.raises(OptionError, match="--max_options=1: must be at least 2"):
        options_class(task="toy", max_options=1)
    with pytest.raises(OptionError, match=r"--task=\?: must be one of multi_label"):
        parse_options(options_class, ["--task=?"])
    # A checkpoint's config.json as the file with the options.
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"options": options.to_dict()}))
    again, _ = parse_options(options_class, [f"--options_file={file}"])
    assert again == options


def test_help_lists_the_options_of_the_task():
    text = help_text(FineTuningOptions, "fine_tune", "", ["--task=toy", "--help"])
    assert "The toy (--task=toy):" in text and "--max_options=9" in text
    assert "--tfidf_classifier" not in text
    assert "--tfidf_classifier" in help_text(FineTuningOptions, "fine_tune", "")
