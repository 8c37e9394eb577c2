"""A pre-trained checkpoint as a task: what each objective gives, and what it refuses."""

import io
import json

import numpy as np
import pytest
from pydantic import TypeAdapter

from common.errors import CheckpointError, InputError, OptionError
from models.checkpoints.folder import read_checkpoint
from models.generation.settings import GenerationSettings
from tasks.generation_options import GenerationOptions
from tasks.language_model.options import ContinuationOptions
from tasks.loading import has_task, load_task, load_task_model
from tests.language_models import write_language_model
from training.language_model import TextModel
from training.prediction import Predictor

GIVEN = {
    "masked_lm": ["甲[MASK]地[MASK]", "乙丙天地人甲天地" * 3 + "[MASK]", "[MASK]", "人[MASK]?"],
    "causal_lm": ["甲天", "乙丙天地人甲天地" * 4, "人", "?"],
}
GIVEN["prefix_lm"] = GIVEN["two_way_lm"] = GIVEN["causal_lm"]
REFUSED = {"masked_lm": "甲天", "causal_lm": "甲[MASK]"}
objectives = pytest.mark.parametrize("objective", GIVEN)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """Gives the checkpoint of an objective."""
    made = {}

    def folder(objective):
        if objective not in made:
            backbone = "transformer" if objective == "prefix_lm" else "text_cnn"
            path = tmp_path_factory.mktemp("language_model") / objective
            made[objective] = write_language_model(path, objective, backbone)
        return made[objective]

    return folder


def greedy(predictor, **options):
    predictor.task.use_options(ContinuationOptions(sampling=False, num_beams=1, **options))
    return predictor


@objectives
def test_results_are_those_of_language_model_py(folder_of, objective):
    folder, texts = folder_of(objective), GIVEN[objective]
    predictor, model = Predictor(folder), TextModel.load(folder)
    if objective == "masked_lm":
        expected = [model.fill(text, 3) for text in texts]
    else:
        settings = GenerationSettings(max_length=7)
        expected = [model.write_on(text, settings) for text in texts]
        predictor = greedy(predictor, max_length=7)
    # Together in a batch, whatever their lengths, and one by one.
    for batch_size in (64, 1):
        for found, other in zip(predictor.predict(texts, batch_size, 3), expected, strict=True):
            assert found["text"] == other["text"]
            if objective != "masked_lm":
                assert found["continuation"] == other["continuation"]
                assert len(found["continuation"]) == 7
                assert found["score"] == pytest.approx(other["score"], abs=1e-4)
                continue
            assert len(found["masks"]) == len(other["masks"])
            for one, candidates in zip(found["masks"], other["masks"], strict=True):
                assert [each["token"] for each in one] == [each["token"] for each in candidates]
                np.testing.assert_allclose(
                    [each["probability"] for each in one],
                    [each["probability"] for each in candidates],
                    atol=1e-5,
                )


@objectives
def test_results_are_json_that_the_type_describes(folder_of, objective):
    predictor = Predictor(folder_of(objective))
    task = predictor.task
    found = predictor.predict(GIVEN[objective])
    for result in (*found, task.empty_result()):
        assert json.loads(json.dumps(result)) == result
        TypeAdapter(task.result_type).validate_python(result)
        assert list(result) == task.columns()
    for values in (*task.examples(chinese=True), *task.examples(chinese=False)):
        assert not task.is_empty(task.record(values))
    for length in (3, 12):
        assert len(predictor.batch_outputs([task.sample(length, predictor.text)] * 2)) == 2
    assert task.is_empty(task.record({"prompt": " \n"}))
    assert task.name == "language_model" and task.known_labels() == []


def test_candidates(folder_of):
    predictor = Predictor(folder_of("masked_lm"))
    (five,), (all_six,) = (
        predictor.predict(["甲[MASK]"], top_k=top_k)[0]["masks"] for top_k in (0, 1000)
    )
    assert len(five) == 5 and five == all_six[:5]
    assert {each["token"] for each in all_six} == set("甲乙丙天地人")
    assert sum(each["probability"] for each in all_six) == pytest.approx(1, abs=1e-5)


def test_what_is_drawn_depends_on_the_text_alone(folder_of):
    predictor, texts = Predictor(folder_of("causal_lm")), ["甲天", "乙", "丙丙丙"]
    together = [result["continuation"] for result in predictor.predict(texts)]
    assert together == [predictor.predict([text])[0]["continuation"] for text in texts]
    assert len(set(together)) == 3
    # Of 24 positions, [CLS] and the text leave less than the 50 that are asked for.
    assert [len(continuation) for continuation in together] == [21, 22, 20]
    best = greedy(Predictor(folder_of("causal_lm"))).predict(texts)
    assert [result["continuation"] for result in best] != together


def test_options(folder_of):
    causal, masked = (load_task(read_checkpoint(folder_of(each)), pretrained=True)
                      for each in ("causal_lm", "masked_lm"))  # fmt: skip
    causal.use_options(ContinuationOptions(max_length=7, temperature=0.5))
    assert "at most 7 tokens" in causal.summary()
    with pytest.raises(OptionError, match="--temperature: this checkpoint fills in"):
        masked.use_options(GenerationOptions(temperature=0.5))
    for task in (causal, masked):
        with pytest.raises(OptionError, match="--threshold: the task language_model"):
            task.use_decision(0.5)


@pytest.mark.parametrize("objective", REFUSED)
def test_texts_of_which_it_makes_nothing(folder_of, objective):
    task = load_task(read_checkpoint(folder_of(objective)), pretrained=True)
    wrong, (good, *_) = REFUSED[objective], GIVEN[objective]
    with pytest.raises(InputError, match="--objectives="):
        task.record({"prompt": wrong})
    lines = list(task.read(io.BytesIO(f"{good}\n\n{wrong}\n{good}\n".encode()), "in.txt"))
    assert [line.record for line in lines] == [good, None, None, good]
    assert [line.error is not None for line in lines] == [False, False, True, False]
    assert str(lines[2].error).startswith("in.txt:3: this ")


def test_too_many_masks(folder_of):
    task = load_task(read_checkpoint(folder_of("masked_lm")), pretrained=True)
    assert task.record({"prompt": "[MASK]" * 32})
    with pytest.raises(InputError, match=r"\[MASK\] 33 times, and at most 32"):
        task.record({"prompt": "[MASK]" * 33})


def test_only_where_a_task_may_be_that_of_pre_training(folder_of, tmp_path):
    checkpoint = read_checkpoint(folder_of("causal_lm"))
    assert has_task(checkpoint)
    with pytest.raises(CheckpointError, match="only pre-trained and has no task"):
        load_task(checkpoint)
    task, model = load_task_model(checkpoint, pretrained=True)
    for refused in (lambda: task.labelled(["a.txt"], None), lambda: task.serving_parts(model)):
        with pytest.raises(CheckpointError, match=r"causal_lm: .*only pre-trained.*fine_tuning"):
            refused()
    # Not every objective predicts tokens of a text.
    other = read_checkpoint(
        write_language_model(tmp_path / "other", "permutation_lm", "transformer")
    )
    assert not has_task(other)
    with pytest.raises(CheckpointError, match="only pre-trained and has no task"):
        load_task(other, pretrained=True)


def test_records_of_files(folder_of):
    task = load_task(read_checkpoint(folder_of("causal_lm")), pretrained=True)
    lines = io.BytesIO('{"text": "甲", "id": 7}\n'.encode())
    (line,) = task.read(lines, "in.jsonl")
    assert (line.record, line.id) == ("甲", 7)
