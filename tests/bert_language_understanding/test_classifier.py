import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bert_language_understanding import load
from common.errors import CheckpointError, InputError
from data_util.reading.labels import LabelSet
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from tasks.classification.task import MultiClass
from tests import toys
from tests.language_models import write_language_model
from tests.toys.toy_task.task import ToyTask
from training.language_model import TextModel
from training.preparation.tokenizer import stored_tokenizer

OLD = Path(__file__).parents[1] / "old_checkpoints"
TEXTS = (OLD / "texts.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def classifier():
    return load(OLD / "fine_tuned_text_cnn")


@pytest.fixture(scope="module")
def pretrained():
    return load(str(OLD / "pretrained_text_cnn"))


def test_predictions_are_those_that_predict_py_wrote(classifier):
    lines = (OLD / "fine_tuned_text_cnn/predictions.jsonl").read_text(encoding="utf-8")
    expected = [json.loads(line) for line in lines.splitlines()]
    found = classifier.predict(TEXTS, top_k=3)
    for one, other in zip(found, expected, strict=True):
        assert [entry["label"] for entry in one["top"]] == [each["label"] for each in other["top"]]
    # Of probabilities: the same figures, with a column for each label.
    probabilities = classifier.probabilities(TEXTS)
    assert probabilities.shape == (10, len(classifier.labels))
    for row, result in zip(probabilities, found, strict=True):
        by_label = dict(zip(classifier.labels, row, strict=True))
        for entry in result["top"]:
            assert by_label[entry["label"]] == pytest.approx(entry["probability"], abs=2e-6)


def test_one_text_gives_one_result(classifier):
    text = TEXTS[0]
    assert classifier.predict(text) == classifier.predict([text])[0]
    np.testing.assert_array_equal(
        classifier.probabilities(text), classifier.probabilities([text])[0]
    )
    np.testing.assert_array_equal(classifier.vectors(text), classifier.vectors([text])[0])
    assert classifier.vectors(text).shape == (16,)


@pytest.mark.parametrize("several", [tuple, iter, np.array], ids=["tuple", "iterator", "array"])
def test_any_iterable_of_texts(classifier, several):
    if several is tuple:
        # A tuple is one record, of several texts.
        with pytest.raises(InputError, match="put several texts into a list"):
            classifier.predict(tuple(TEXTS))
        return
    assert classifier.predict(several(TEXTS)) == classifier.predict(TEXTS)


def test_the_order_is_kept_whatever_the_batches(classifier):
    texts = [TEXTS[0] * 3, "。", TEXTS[1][:7], " ", TEXTS[2], ""]
    alone = [classifier.predict(text) for text in texts]
    assert alone[3] == alone[5] == {"labels": []}
    small = load(OLD / "fine_tuned_text_cnn", batch_size=2)
    names = [
        [[label["label"] for label in result["labels"]] for result in results]
        for results in (small.predict(texts), alone)
    ]
    assert names[0] == names[1]
    np.testing.assert_allclose(
        small.probabilities(texts), [classifier.probabilities(text) for text in texts], atol=1e-5
    )
    np.testing.assert_allclose(
        small.vectors(texts), [classifier.vectors(text) for text in texts], atol=1e-5
    )
    assert not small.vectors(texts)[[3, 5]].any() and not small.probabilities(texts)[[3, 5]].any()


def test_no_texts(classifier):
    assert classifier.predict([]) == []
    assert classifier.probabilities([]).shape == (0, len(classifier.labels))
    assert classifier.vectors([]).shape == (0, 16)


def test_threshold():
    everything = load(OLD / "fine_tuned_text_cnn", threshold=0.0)
    assert len(everything.predict(TEXTS[0])["labels"]) == len(everything.labels)
    with pytest.raises(InputError, match="threshold=2: it must be from 0 to 1"):
        load(OLD / "fine_tuned_text_cnn", threshold=2)
    with pytest.raises(InputError, match="batch_size=0"):
        load(OLD / "fine_tuned_text_cnn", batch_size=0)


def test_explanation(classifier):
    text = TEXTS[0][:12]
    found = classifier.explain(text)
    probabilities = classifier.probabilities(text)
    assert found["label"] == classifier.labels[probabilities.argmax()]
    assert found["probability"] == pytest.approx(probabilities.max(), abs=1e-6)
    assert [text[part["start"] : part["end"]] for part in found["parts"]] == list(text)
    other = classifier.explain(text, "盗窃")
    assert other["label"] == "盗窃" and other["parts"] != found["parts"]
    with pytest.raises(InputError, match="'杀鸡' is none of"):
        classifier.explain(text, "杀鸡")
    with pytest.raises(InputError, match="one text is explained"):
        classifier.explain([text])
    with pytest.raises(InputError, match="one text is explained"):
        classifier.explain([])


def test_a_vector_is_the_mean_over_the_tokens_of_the_text(pretrained):
    checkpoint = read_checkpoint(OLD / "pretrained_text_cnn")
    backbone, (tokenizer, vocabulary) = (
        load_model(checkpoint).backbone,
        stored_tokenizer(checkpoint),
    )
    text = TEXTS[0][:20]
    ids = np.array([[2, *vocabulary.encode(tokenizer.tokenize(text)), 3]])
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids >= 0}
    sequence = np.asarray(backbone(inputs)["sequence_output"])[0]
    assert len(sequence) == 22
    expected = sequence[1:21].mean(axis=0)
    # Beside a longer text it is padded.
    np.testing.assert_allclose(pretrained.vectors([TEXTS[1], text])[1], expected, atol=1e-5)
    assert not pretrained.vectors(" ").any()


def test_a_vector_of_a_fine_tuned_checkpoint_has_the_largest_values(classifier):
    text = TEXTS[0][:20]
    inputs = classifier.inputs(text)
    sequence = np.asarray(classifier.backbone(inputs)["sequence_output"])[0]
    # [CLS], 20 tokens, [SEP], padding.
    assert inputs["padding_mask"].sum() == 22
    found = classifier.vectors([TEXTS[1], text])[1]
    np.testing.assert_allclose(found, sequence[1:21].max(axis=0), atol=1e-5)


def test_vectors_of_pairs(pretrained):
    first, second = TEXTS[0][:9], TEXTS[1][:9]
    found = pretrained.vectors([(first, second), first, (second, first), second])
    assert found.shape == (4, 16)
    np.testing.assert_allclose(found[1], pretrained.vectors(first), atol=1e-5)
    np.testing.assert_allclose(found[2], pretrained.vectors((second, first)), atol=1e-5)
    assert np.abs(found[0] - found[2]).max() > 1e-3


def test_a_pretrained_checkpoint_fills_in_masks(pretrained):
    text = TEXTS[0][:10] + "[MASK]" + TEXTS[0][11:20]
    found, nothing = pretrained([text, " "], top_k=3)
    expected = TextModel.load(OLD / "pretrained_text_cnn").fill(text, 3)
    assert found["text"] == expected["text"] and nothing == {"masks": [], "text": ""}
    for one, other in zip(found["masks"][0], expected["masks"][0], strict=True):
        assert one["token"] == other["token"]
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)
    assert pretrained({"prompt": text}) == pretrained(text)
    with pytest.raises(InputError, match=r"^input 1: this text has no \[MASK\]: write it"):
        pretrained([text, "a"])
    for call in (pretrained.probabilities, pretrained.explain):
        with pytest.raises(CheckpointError, match="language_model has no labels"):
            call(text)
    with pytest.raises(CheckpointError, match="language_model has no labels"):
        pretrained.labels  # noqa: B018


def test_a_pretrained_checkpoint_that_predicts_no_tokens_has_vectors_alone(tmp_path):
    folder = write_language_model(tmp_path / "lm", "permutation_lm", "transformer")
    encoder = load(folder)
    assert encoder.vectors(["甲天", "乙"]).shape == (2, 16)
    for call in (encoder.predict, encoder.probabilities, encoder.explain):
        with pytest.raises(CheckpointError, match=r"only pre-trained.*train_bert_fine_tuning"):
            call("a")


def test_inputs_of_the_backbone(pretrained):
    inputs = pretrained.inputs([TEXTS[0], TEXTS[1]])
    assert inputs["token_ids"].shape == (2, 64)
    assert pretrained.backbone(inputs)["pooled_output"].shape == (2, 16)
    assert pretrained.inputs([("a", "b")])["segment_ids"].max() == 1
    with pytest.raises(InputError, match="not both"):
        pretrained.inputs(["a", ("a", "b")])
    with pytest.raises(InputError, match="no texts"):
        pretrained.inputs([])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "a list of texts is needed, not NoneType"),
        (b"a", "not bytes"),
        (["a", None], "input 1: a text .* not NoneType"),
        (["a", float("nan")], "input 1: .* not float"),
        (["a", b"b"], "input 1: .* not bytes"),
        (["\ud800"], "input 0: character 0 is half of a surrogate pair"),
        (("a", "b"), "a tuple of 2, but this checkpoint reads single texts"),
        ({"txt": "a"}, "has the keys txt; this checkpoint needs text"),
    ],
)
def test_mistakes_name_the_input(classifier, given, message):
    with pytest.raises(InputError, match=message):
        classifier.predict(given)


def test_a_whole_table_is_no_list_of_texts(classifier):
    class Table(list):
        columns = ("text",)

    with pytest.raises(InputError, match="one of its columns"):
        classifier.predict(Table(["text"]))


def test_pairs(checkpoint_of):
    classifier = load(checkpoint_of(MultiClass(LabelSet(["same", "different"]), pairs=True)))
    result = classifier.predict(("abc", "abd"))
    assert len(result["labels"]) == 1
    assert classifier.predict([("abc", "abd")]) == [result]
    assert classifier.predict({"text_b": "abd", "text_a": "abc"}) == result
    assert classifier.predict(("abc", " ")) == {"labels": []}
    assert set(classifier.explain(("abc", "abd"))) == {"label", "probability", "text_a", "text_b"}
    with pytest.raises(InputError, match=r"a single text; .* tuples \(text_a, text_b\)"):
        classifier.predict(["abc", "abd"])


def test_results_of_another_task_come_by_its_contract(checkpoint_of):
    with toys.registered():
        classifier = load(checkpoint_of(ToyTask()))
        result = classifier.predict({"options": ["abc", "abd", "xyz"]})
        assert sum(result["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert classifier.predict([(["abc", "abd", "xyz"],)]) == [result]
        assert classifier.predict([{"options": [" "]}]) == [{"choice": None, "probabilities": []}]
        assert classifier.vectors("abc").shape == (16,)
        with pytest.raises(CheckpointError, match="the task toy has no labels"):
            classifier.probabilities("abc")
        with pytest.raises(InputError, match="a list of texts is needed"):
            classifier.predict(["abc"])


def test_a_folder_that_is_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="not a complete checkpoint"):
        load(tmp_path)


def test_it_is_quiet_and_needs_no_keras_to_be_imported():
    code = (
        "import sys\n"
        "from bert_language_understanding import load\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)\n"
        f"print(load({str(OLD / 'fine_tuned_text_cnn')!r}).predict('盗窃')['labels'] != 0)\n"
    )
    # JAX sets it when another test imports it; a user's environment has none.
    environment = {
        name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"
    }
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command, cwd=OLD.parents[1], env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "True\n", "")
