import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from common.errors import CheckpointError, InputError, OptionError
from evaluate import evaluate
from tests.tasks.examples import FILES, model_for, prepare
from training.options.scripts import EvaluationOptions

OLD = Path(__file__).parents[1] / "old_checkpoints"
WRITTEN = {"metrics.json", "report.html", "test_labels.csv", "test_predictions.jsonl"}


@pytest.fixture
def evaluated(run_of, tmp_path):
    """Evaluates the tiny checkpoint on files; gives the metrics and the folder."""

    def make(*files, **changes):
        options = {"ckpt_dir": str(run_of().fine_tuned), "input": list(map(str, files))}
        options |= {"output_dir": str(tmp_path / "out"), "process_num": 1, **changes}
        return evaluate(EvaluationOptions(**options)), Path(options["output_dir"])

    return make


def test_the_test_file_gives_what_fine_tuning_found(tiny, run_of, evaluated):
    metrics, folder = evaluated(tiny.file("test"))
    run = run_of()
    assert metrics["test"] == pytest.approx(run.fine_tuning_metrics["test"], rel=1e-5)
    assert {path.name for path in folder.iterdir()} == WRITTEN
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    for name in ("test_labels.csv", "test_predictions.jsonl"):
        assert (folder / name).read_text() == (run.fine_tuned / name).read_text()
    assert not list(run.fine_tuned.glob("evaluation*"))


def test_predictions_and_metrics_agree(tiny, evaluated):
    metrics, folder = evaluated(tiny.file("test"), tiny.file("valid"))
    lines = [json.loads(line) for line in (folder / "test_predictions.jsonl").open()]
    assert metrics["test"]["examples"] == len(lines) == 48
    for name in ("test", "valid"):
        of_file = [line for line in lines if line["file"] == str(tiny.file(name))]
        texts = tiny.file(name).read_text(encoding="utf-8").splitlines()
        assert [line["line"] for line in of_file] == list(range(1, 25))
        assert all(text.startswith(line["text"]) for line, text in zip(of_file, texts, strict=True))
    true, predicted = (
        [[entry["label"] for entry in line[which]] for line in lines]
        for which in ("true", "predicted")
    )
    binarizer = MultiLabelBinarizer().fit(true)
    f1 = f1_score(binarizer.transform(true), binarizer.transform(predicted), average="micro")
    assert metrics["test"]["micro_f1"] == pytest.approx(f1)
    assert [line["correct"] for line in lines] == [
        set(one) == set(other) for one, other in zip(true, predicted, strict=True)
    ]


def test_labels_that_the_checkpoint_does_not_know_are_missed(tiny, evaluated, tmp_path, caplog):
    path = tmp_path / "new.txt"
    lines = tiny.file("test").read_text(encoding="utf-8")
    path.write_text(lines + "被告人盗窃手机。 __label__盗窃 __label__新罪\n" * 2, encoding="utf-8")
    before, _ = evaluated(tiny.file("test"))
    metrics, folder = evaluated(path)
    assert "1 of the labels are unknown to the checkpoint (新罪): they count as missed 2 times" in (
        caplog.text
    )
    table = (folder / "test_labels.csv").read_text(encoding="utf-8").splitlines()
    assert table[-1] == "新罪,0,2,0,0.0000,0.0000,0.0000,1.0000"
    assert metrics["test"]["labels"] == before["test"]["labels"] + 1
    last = json.loads((folder / "test_predictions.jsonl").read_text().splitlines()[-1])
    assert {"label": "新罪", "probability": 0.0} in last["true"] and not last["correct"]
    counts = [int(line.split(",")[2]) for line in table[1:]]
    hits = [
        round(float(line.split(",")[5]) * count)
        for line, count in zip(table[1:], counts, strict=True)
    ]
    predicted = sum(int(line.split(",")[3]) for line in table[1:])
    f1 = 2 * sum(hits) / (sum(counts) + predicted)
    assert metrics["test"]["micro_f1"] == pytest.approx(f1)
    assert "新罪" in (folder / "report.html").read_text()


def test_one_of_many_labels_where_some_are_unknown(pairs, fine_tuned_on_pairs, evaluated, tmp_path):
    path = tmp_path / "new.txt"
    path.write_text("甲天\t甲地 __label__same\n甲天\t甲地 __label__other\n", encoding="utf-8")
    metrics, _ = evaluated(path, ckpt_dir=str(fine_tuned_on_pairs))
    known = tmp_path / "known.txt"
    known.write_text("甲天\t甲地 __label__same\n", encoding="utf-8")
    alone, _ = evaluated(known, ckpt_dir=str(fine_tuned_on_pairs))
    # What has an unknown label has no loss, and counts as wrong.
    assert metrics["test"]["loss"] == pytest.approx(alone["test"]["loss"], rel=1e-5)
    assert metrics["test"]["micro_f1"] == pytest.approx(alone["test"]["micro_f1"] / 2)
    path.write_text("甲天\t甲地 __label__other\n", encoding="utf-8")
    metrics, _ = evaluated(path, ckpt_dir=str(fine_tuned_on_pairs))
    assert (metrics["test"]["loss"], metrics["test"]["micro_f1"]) == (0, 0)


def test_documents_may_hold_html(evaluated, tmp_path):
    path = tmp_path / "html.txt"
    path.write_text("<script>alert(1)</script>手机 __label__<b>诈骗</b>\n", encoding="utf-8")
    _, folder = evaluated(path)
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html and "&lt;script&gt;alert(1)&lt;/script&gt;手机" in html
    assert "<b>" not in html and "&lt;b&gt;诈骗&lt;/b&gt;" in html


def test_a_threshold_replaces_those_of_the_checkpoint(tiny, evaluated):
    metrics, folder = evaluated(tiny.file("test"), threshold=0.0)
    rows = (folder / "test_labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {row.split(",")[3] for row in rows} == {"24"}
    assert {row.split(",")[-1] for row in rows} == {"0.0000"}
    assert metrics["test"]["macro_f1"] < 1


@pytest.mark.parametrize("name", ["fine_tuned_text_cnn", "fine_tuned_transformer"])
def test_checkpoints_of_earlier_versions(name, evaluated, tmp_path):
    labels = (OLD / name / "labels.txt").read_text(encoding="utf-8").split()
    texts = (OLD / "texts.txt").read_text(encoding="utf-8").splitlines()
    results = (OLD / name / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "old.txt"
    lines = [f"{text.strip()} __label__{labels[0]}\n" for text in texts if text.strip()]
    path.write_text("".join(lines), encoding="utf-8")
    metrics, folder = evaluated(path, ckpt_dir=str(OLD / name))
    found = [json.loads(line) for line in (folder / "test_predictions.jsonl").open()]
    kept = [json.loads(one) for one, text in zip(results, texts, strict=True) if text.strip()]
    for line, result in zip(found, kept, strict=True):
        names = [
            {entry["label"] for entry in each} for each in (line["predicted"], result["labels"])
        ]
        assert names[0] == names[1]
    assert "does not say how many training documents" in (folder / "report.html").read_text()
    assert (folder / "test_labels.csv").read_text().splitlines()[1].split(",")[1] == ""
    assert np.isfinite(metrics["test"]["loss"])


def test_where_the_results_are(tiny, run_of, tmp_path, script, caplog):
    folder = tmp_path / "checkpoint"
    shutil.copytree(run_of().fine_tuned, folder)
    arguments = [f"--ckpt_dir={folder}", f"--input={tiny.file('test')},{tiny.file('valid')}"]
    caplog.set_level("INFO")
    for _ in range(2):  # The second evaluation replaces the results of the first.
        status, out, err = script("evaluate.py", *arguments)
        assert (status, out) == (0, ""), err
    output = folder / "evaluation-test-valid"
    assert {path.name for path in output.iterdir()} == WRITTEN
    assert "48 documents" in (output / "report.html").read_text(encoding="utf-8")
    assert str(output) in caplog.text and "label" in caplog.text.split("test (48 documents")[1]


def test_a_folder_with_something_else_is_not_replaced(tiny, run_of, evaluated, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OptionError, match=r"mine: this folder holds thesis\.txt, which no"):
        evaluated(tiny.file("test"), output_dir=str(folder))
    with pytest.raises(OptionError, match=r"holds config\.json"):
        evaluated(tiny.file("test"), output_dir=str(run_of().fine_tuned))
    with pytest.raises(OptionError, match="is not a folder"):
        evaluated(tiny.file("test"), output_dir=str(folder / "thesis.txt"))
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_what_cannot_be_evaluated(tiny, run_of, pairs, evaluated, tmp_path):
    with pytest.raises(CheckpointError, match="only pre-trained"):
        evaluated(tiny.file("test"), ckpt_dir=str(run_of().pretrained))
    with pytest.raises(OptionError, match="--input= is empty"):
        evaluated()
    with pytest.raises(InputError, match="there is no such file"):
        evaluated(tmp_path / "none.txt")
    with pytest.raises(InputError, match="holds pairs of texts, and the checkpoint is for single"):
        evaluated(pairs.folder / "test.txt")
    with pytest.raises(InputError, match="label"):
        (tmp_path / "free.txt").write_text("被告人盗窃手机。\n", encoding="utf-8")
        evaluated(tmp_path / "free.txt")
    assert not (tmp_path / "out").exists()


def test_a_task_without_it_says_so(tmp_path):
    from tests import toys

    with toys.registered():
        data = prepare(tmp_path, "toy")
        with pytest.raises(OptionError, match="task toy cannot be evaluated on further files"):
            data.task.labelled([], None)
        evaluation = data.task.evaluation(model_for(data), data, None, {})
        assert (list(evaluation.findings().lines), list(evaluation.findings().sections)) == ([], [])
    assert "toy" in FILES
