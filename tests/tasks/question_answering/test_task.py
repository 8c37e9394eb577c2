"""The task as a whole: a checkpoint of it, made without training, in every command."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from bert_language_understanding import load
from common.errors import CheckpointError, InputError, OptionError
from conversion.export import export
from conversion.exported_predictor import ExportedPredictor
from data_util.tokens.default_style import default_style
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.writing import write_checkpoint
from tasks.loading import load_task
from tasks.question_answering.data import split_examples, style_texts, training_texts
from tasks.question_answering.files import read_questions
from tasks.question_answering.task import QuestionAnswering, log_odds_of
from tests.tasks.examples import FILES, model_for, passage_lines, prepare
from training.devices.forward import Forward
from training.evaluation import evaluate
from training.loop.optimizer import AdamW
from training.options.conversion import ExportOptions
from training.options.scripts import EvaluationOptions, PredictionOptions
from training.prediction import Predictor, predict
from training.preparation.tokenizer import text_files

NAME = "question_answering"
DOCS = Path(__file__).parents[3] / "docs/question_answering.md"
# With eight tokens a passage of seven has several windows.
LENGTH = 8


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint that has learned a little, its data and its evaluation: (folder, ...)."""
    folder = tmp_path_factory.mktemp(NAME)
    data = prepare(folder, NAME, sequence_length=LENGTH)
    model, found = model_for(data), {}
    model.compile(optimizer=AdamW(1e-2, decay=0.0, clip_norm=None))
    for inputs, targets in data.batches["train"].batches(0):
        model.train_on_batch(inputs, targets)
    evaluation = data.task.evaluation(model, data, Forward(model), found)
    metrics = evaluation.validate()
    evaluation.settle()
    config = {
        "backbone": model.backbone.config.to_dict(),
        "task": NAME,
        **data.task.config(),
        "head_dropout": 0.0,
        "sequence_length": LENGTH,
        "test_mode": False,
        "options": {},
    }
    texts = text_files(data.text.tokenizer, data.text.vocabulary)
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    write_checkpoint(checkpoint, config=config, model=model, texts=texts, metrics=found)
    return checkpoint, data, evaluation, metrics


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """A file of SQuAD's form."""
    path = tmp_path_factory.mktemp("questions") / "new.json"
    records = list(map(json.loads, passage_lines(6, 5)))
    paragraphs = [
        {
            "context": each["context"] * 2,
            "qas": [{name: each[name] for name in ("id", "question", "answers")}],
        }
        for each in records
    ]
    path.write_text(
        json.dumps({"version": "v2.0", "data": [{"paragraphs": paragraphs}]}), encoding="utf-8"
    )
    return path


def results_of(checkpoint, path, output, **options):
    written = output / "answers"
    predict(
        PredictionOptions(ckpt_dir=str(checkpoint), input=str(path), output=str(written), **options)
    )
    return written.read_text(encoding="utf-8")


def test_answers_of_predict_and_of_python(trained, questions, tmp_path):
    checkpoint = trained[0]
    lines = results_of(checkpoint, questions, tmp_path, threshold=0, top_k=3).splitlines()
    results = list(map(json.loads, lines))
    asked = list(read_questions([str(questions)]))
    assert [each["id"] for each in results] == [each.id for each in asked]
    for result, question in zip(results, asked, strict=True):
        assert question.context[result["start"] : result["end"]] == result["answer"]
        assert 0 < result["probability"] <= 1 and len(result["top"]) == 3
    python = load(checkpoint, threshold=0).predict([each.record for each in asked], top_k=3)
    assert [{"id": one.id, **each} for one, each in zip(asked, python, strict=True)] == results
    # As high a threshold as can be: there is none anywhere.
    squad = json.loads(
        results_of(checkpoint, questions, tmp_path, threshold=1, output_format="squad")
    )
    assert squad == dict.fromkeys((each.id for each in asked), "")
    table = results_of(checkpoint, questions, tmp_path, output_format="csv", top_k=1)
    assert table.splitlines()[0].split(",")[:3] == ['"id"', '"answer"', '"start"']
    with pytest.raises(OptionError, match="jsonl, csv, squad"):
        results_of(checkpoint, questions, tmp_path, output_format="xml")


def test_one_text_in_a_window_or_two(trained):
    """An answer does not depend on what else is in a batch."""
    predictor = Predictor(trained[0], threshold=0)
    records = [("天", "天地人山水火"), ("山", "天地人山水火" * 4), ("人", " 地天\n人")]
    together = predictor.predict(records)
    for record, expected in zip(records, together, strict=True):
        (alone,) = predictor.predict([record])
        assert alone["start"] == expected["start"] and alone["end"] == expected["end"]
    assert max(len(each.windows) for each in predictor.encode(records)) > 3


def test_evaluate_gives_the_metrics_of_the_run(trained, tmp_path):
    checkpoint, data, evaluation, _ = trained
    measured, texts = evaluation.test()
    path = data.questions["test"][0].path
    options = {"ckpt_dir": str(checkpoint), "input": [path], "output_dir": str(tmp_path / "out")}
    found = evaluate(EvaluationOptions(**options))["test"]
    assert found.pop("examples") == 9
    assert found == pytest.approx(measured)
    lines = texts["test_predictions.jsonl"].splitlines()
    assert len(lines) == 9
    assert np.mean([json.loads(line)["f1"] for line in lines]) == pytest.approx(measured["f1"])
    report = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert (
        "Can the probabilities be trusted?" in report and "none given where there is one" in report
    )


def test_the_threshold_is_the_best_and_is_kept(trained):
    checkpoint, _, evaluation, metrics = trained
    predictor = Predictor(checkpoint)
    assert predictor.task.null_threshold == evaluation.found["null_threshold"] is not None
    scores = []
    for threshold in (0.0, 0.2, 0.5, 0.8, 1.0):
        evaluation.task.null_threshold = log_odds_of(threshold)
        evaluation.task.settles = False
        scores.append(evaluation.validate()["f1"])
    evaluation.task.null_threshold, evaluation.task.settles = None, True
    assert metrics["f1"] >= max(scores)
    # Two of the nine passages do not have what is asked for: none is given anywhere.
    assert scores[-1] == pytest.approx(2 / 9)


def test_a_loss_worked_out_by_hand():
    """The probabilities of all answers in a window are added up, those of mixtures are not."""
    outputs = np.log(np.array([[[0.1, 0.2], [0.6, 0.1], [0.3, 0.7]]] * 3, "float32"))
    targets = {
        "starts": np.array([[1, 2], [0, -1], [2, -1]], "int32"),
        "ends": np.array([[1, 2], [0, -1], [2, -1]], "int32"),
        "row_weights": np.array([1, 1, 0], "float32"),
    }
    values, weights = QuestionAnswering().loss({}, targets, outputs)
    expected = -np.log([0.6 * 0.1 + 0.3 * 0.7, 0.1 * 0.2, 0.3 * 0.7])
    np.testing.assert_allclose(np.asarray(values), expected, rtol=1e-5)
    assert weights.tolist() == [1, 1, 0]


def test_a_head_goes_on_with_what_it_knows(trained):
    _, data, _, _ = trained
    one, other = model_for(data, seed=5), model_for(data, seed=6)
    assert data.task.continue_head(one, data.task, other) == "the head keeps its weights"
    for ours, theirs in zip(one.head.weights, other.head.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    assert data.task.continue_head(one, QuestionAnswering("span"), other) is None


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("config.json", "answer_rules", "french", "english, chinese"),
        ("config.json", "max_answer_tokens", 0, "1 or more"),
        ("config.json", "head", "pooled", "aligned_span, span"),
        ("metrics.json", "null_threshold", "x", "a number or null"),
    ],
)
def test_a_damaged_checkpoint(trained, tmp_path, name, key, value, message):
    checkpoint = read_checkpoint(trained[0])
    changed = {**checkpoint.json(name), key: value}
    (tmp_path / name).write_text(json.dumps(changed))
    files = {**checkpoint.files, name: tmp_path / name}
    config = changed if name == "config.json" else checkpoint.config
    with pytest.raises(CheckpointError, match=message):
        load_task(dataclasses.replace(checkpoint, config=config, files=files))


def test_a_split_keeps_a_passage_together_and_reads_back(questions, tmp_path):
    examples = list(split_examples([questions], _reading(), None))
    assert all(example.texts in str(example.record) for example in examples)
    assert {example.labels[0] for example in examples} == {"answerable", "unanswerable"}
    path = tmp_path / "part.jsonl"
    path.write_text("".join(json.dumps(each.record) + "\n" for each in examples))
    for one, other in zip(
        read_questions([str(questions)]), read_questions([str(path)]), strict=True
    ):
        assert (one.record, one.id) == (other.record, other.id)
        assert set(one.answers) == set(other.answers) and set(one.spans) == set(other.spans)


def test_the_texts_of_a_run(questions):
    files = {"train": [str(questions)]}
    assert default_style(list(style_texts(files, _reading()))) == "char"
    assert len(list(training_texts(files, _reading()))) == 12


def _reading():
    return PredictionOptions().reading()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"question": "a", "context": "b", "answers": []}', "no question has an answer"),
        ('{"question": "a", "context": "b", "answers": ["x"]}', "no answer stands in its passage"),
        ('{"question": "a", "context": "b"}', "train.txt:1: a labelled record needs `answers`"),
    ],
)
def test_files_that_cannot_be_learned_from(tmp_path, monkeypatch, line, message):
    monkeypatch.setitem(FILES, NAME, (lambda count, seed: [line + "\n"], []))
    with pytest.raises(InputError, match=message):
        prepare(tmp_path, NAME)


def test_troubles_are_told(tmp_path, monkeypatch):
    wrong = [
        {"question": "x", "context": "天地人", "answers": [{"text": "地", "answer_start": 0}]},
        {"question": "x", "context": "天地人", "answers": ["火"]},
        {"question": "x", "context": "天地" * 40, "answers": ["天地" * 40]},
    ]
    lines = [json.dumps(each) + "\n" for each in wrong]
    monkeypatch.setitem(FILES, NAME, (lambda count, seed: lines, []))
    data = prepare(tmp_path, NAME)
    told = [remark for remark in data.remarks if "train" in remark]
    assert len(told) == 3 and all("1 of 3 train questions" in remark for remark in told)
    assert "txt:1)" in told[0] and "txt:2)" in told[1] and "txt:3)" in told[2]


def test_the_documented_client_gives_the_same_answers(trained, tmp_path):
    (code,) = re.findall(
        r"<!-- client -->\n```python\n(.*?)```\n<!-- /client -->",
        DOCS.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    names = {}
    exec(code, names)
    # What LiteRT can run, the other formats can, too.
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    folder = export(
        ExportOptions(ckpt_dir=str(trained[0]), out=str(tmp_path / "out"), format="litert")
    )
    description = json.loads((folder / "model.json").read_text())
    assert description["outputs"]["names"] == ["start", "end"]
    assert description["outputs"]["shape"] == ["batch", "length"]
    predictor = Predictor(trained[0])
    records = [
        ("天", "天地人山水火"),
        ("山", "天地人山水火" * 4),
        ("甲", "地天\n人"),
        ("人", "\u200b"),
    ]
    expected = predictor.predict(records)
    assert [names["answer"](folder, *record) for record in records] == [
        each["answer"] for each in expected
    ]
    found = ExportedPredictor(folder).predict(records)
    assert [{**each, "probability": None} for each in found] == [
        {**each, "probability": None} for each in expected
    ]
