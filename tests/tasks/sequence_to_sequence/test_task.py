import keras
import numpy as np
import pytest

from common.errors import CheckpointError, OptionError
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.writing import write_checkpoint
from tasks.generation_options import GenerationOptions
from tasks.rows import split_rows
from tasks.sequence_to_sequence.options import SequenceToSequenceOptions
from tests.tasks.examples import model_for, outputs_of
from training.preparation.tokenizer import text_files


def written(tiny, texts, top_k=0, **options):
    """What a task writes with other options; the tiny task keeps its own."""
    task = type(tiny.data.task)(SequenceToSequenceOptions(), tiny.data.task.vocabulary, "char")
    task.options = tiny.data.task.options.replace(max_target_length=8)
    task.use_options(GenerationOptions(**options))
    encoded = task.encode(texts, tiny.data.text)
    inputs = task.inputs(encoded, tiny.data.text)
    data = type("Data", (), {"task": task})
    outputs = outputs_of(data, tiny.model)(inputs)
    return task.results(encoded, split_rows(outputs, inputs["example"]), top_k)


def test_beams_are_the_alternatives(tiny):
    texts = ["甲天地", "乙人"]
    results = written(tiny, texts, top_k=3, num_beams=3)
    for result in results:
        scores = [each["score"] for each in result["top"]]
        assert scores == sorted(scores, reverse=True) and len(scores) == 3
        assert result["top"][0] == {"text": result["text"], "score": result["score"]}
    greedy = written(tiny, texts, num_beams=1)
    assert all("top" not in each for each in greedy)
    assert [each["score"] for each in greedy] != [each["score"] for each in results] or greedy


def test_a_sample_depends_on_its_text_alone(tiny):
    texts = ["甲天地", "乙人", "甲天地", "丙"]
    first = written(tiny, texts, sampling=True, temperature=2.0)
    assert first[0] == first[2]
    assert written(tiny, texts[::-1], sampling=True, temperature=2.0) == first[::-1]
    # Nothing reserved is ever written.
    assert not any("[" in each["text"] for each in first)


def test_the_score_and_its_direction(tiny):
    task = tiny.data.task
    assert (task.score, task.higher_is_better) == ("loss", False)
    other = type(task)(task.options.replace(score="bleu"), task.vocabulary, "char")
    assert (other.score, other.higher_is_better) == ("bleu", True)


@pytest.mark.parametrize(
    ("changes", "search"),
    [
        ({"num_beams": 3}, "3 beams"),
        ({"num_beams": 1}, "greedy search"),
        ({"sampling": True}, "sampling"),
    ],
)
def test_the_summary_names_the_search(tiny, changes, search):
    changes = {"num_beams": 1, **changes}
    task = type(tiny.data.task)(
        tiny.data.task.options.replace(**changes), tiny.data.task.vocabulary, "char"
    )
    assert task.summary() == f"decoder of 1 layer, at most 8 tokens, {search}"


@pytest.mark.parametrize(
    "options", [{"num_beams": 0}, {"temperature": 0.0}, {"sampling_top_p": 2.0}]
)
def test_options_that_cannot_be(options):
    with pytest.raises(OptionError):
        GenerationOptions(**options)


def test_other_tasks_have_no_such_options(tiny):
    from tasks.registry import TASKS

    with pytest.raises(OptionError, match="--num_beams: the task multi_label has no such option"):
        TASKS["multi_label"].use_options(TASKS["multi_label"], GenerationOptions(num_beams=2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decoder_layers": 200}, "at least .* parameters"),
        ({"num_beams": 10**9}, "must be from 1 to 100"),
        ({"temperature": "hot"}, "must be a number"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=str,
)
def test_a_checkpoint_that_is_not_as_it_was_written(tiny, tmp_path, values, message):
    task, model, text = tiny.data.task, tiny.model, tiny.data.text
    config = {"backbone": model.backbone.config.to_dict(), "task": task.name, "head_dropout": 0.0}
    config["sequence_to_sequence"] = {**task.options.to_dict(), **values}
    texts = text_files(text.tokenizer, text.vocabulary)
    write_checkpoint(tmp_path, config=config, model=model, texts=texts, metrics={})
    with pytest.raises(CheckpointError, match=message):
        type(task).from_checkpoint(read_checkpoint(tmp_path))


def test_a_decoder_of_the_same_sizes_is_continued(tiny):
    task, other = tiny.data.task, model_for(tiny.data, seed=2)
    fresh = [np.asarray(each) for each in other.head.get_weights()]
    assert task.continue_head(other, task, tiny.model) == "the decoder keeps its weights"
    keras.tree.map_structure(
        np.testing.assert_array_equal, other.head.get_weights(), tiny.model.head.get_weights()
    )
    assert any(
        (one != each).any() for one, each in zip(fresh, other.head.get_weights(), strict=True)
    )
    assert task.continue_head(other, object(), tiny.model) is None
