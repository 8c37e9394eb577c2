import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.errors import InputError
from data_util.reading.labels import LabelSet
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.checkpoints.folder import Checkpoint
from serving.model_endpoint import model_answer
from serving.options import ServingOptions
from serving.schemas import ModelAnswer
from tasks.classification.task import MultiClass, MultiLabel


def answer_of(metrics, task=MultiLabel, pairs=False, tokens=("parcel", "late"), **options):
    config = {"test_mode": False, "backbone": {"backbone": "text_cnn"}}
    text = SimpleNamespace(sequence_length=32, vocabulary=Vocabulary([*RESERVED, *tokens]))
    predictor = SimpleNamespace(
        task=task(LabelSet(["A", "B"]), pairs=pairs),
        text=text,
        checkpoint=Checkpoint(Path("models/mine"), config, {}),
        metrics=metrics,
    )
    answer = model_answer(predictor, ServingOptions(**options))
    ModelAnswer(**answer)
    json.dumps(answer, allow_nan=False)
    return answer


def test_the_figures_of_the_test_documents():
    history = [{"epoch": 1, "valid": {"f1": 0.25}}, {"epoch": 2, "valid": {"f1": 0.5}}]
    metrics = {"history": history, "best_epoch": 1, "test": {"f1": 0.75, "examples": 300}}
    answer = answer_of(metrics)
    assert (answer["name"], answer["labels"], answer["backbone"]) == ("mine", 2, "text_cnn")
    assert answer["metrics"] == {"f1": 0.75}
    assert (answer["measured_on"], answer["examples_measured"]) == ("test", 300)
    # Without a test, those of the best validation.
    answer = answer_of({**metrics, "test": None})
    assert (answer["metrics"], answer["measured_on"]) == ({"f1": 0.25}, "valid")
    assert answer["examples_measured"] is None


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"test": {"f1": "high", "loss": float("nan"), "x": True, "y": [1]}},
        {"history": [None, {"epoch": 1, "valid": 3}], "best_epoch": 1},
        {"history": "none", "test": []},
    ],
)
def test_a_file_that_somebody_else_wrote(metrics):
    assert answer_of(metrics)["metrics"] == {}


def test_thresholds_decide_nothing_where_there_is_exactly_one_label():
    assert not answer_of({})["exclusive"]
    assert answer_of({}, MultiClass)["exclusive"]


def test_examples(tmp_path):
    (english,) = answer_of({})["examples"]
    assert english["text"].isascii()
    (chinese,) = answer_of({}, tokens=[chr(0x4E00 + place) for place in range(20)])["examples"]
    assert not chinese["text"].isascii()
    (pair,) = answer_of({}, pairs=True)["examples"]
    assert list(pair) == ["text_a", "text_b"]
    path = tmp_path / "examples.txt"
    path.write_text("one __label__A\n\ntwo\n", encoding="utf-8")
    examples = answer_of({}, examples_file=str(path))["examples"]
    assert examples == [{"text": "one"}, {"text": "two"}]
    path.write_bytes(b"one\n\xff\n")
    with pytest.raises(InputError, match=r"examples\.txt:2: not UTF-8"):
        answer_of({}, examples_file=str(path))
    with pytest.raises(InputError, match="no such file"):
        answer_of({}, examples_file=str(tmp_path / "none"))
