import numpy as np
import pytest

from common.errors import InputError, OptionError
from data_util.labelled.corpus import LabelledCorpus
from models.backbones.base import make_backbone
from models.build import build
from models.presets import backbone_config
from tasks.classification.records import multi_hot
from training.devices.input_pipeline import prefetched
from training.fine_tuning import prepare_data, split_files
from training.options.scripts import FineTuningOptions

LINES = {
    "train": ["甲 乙 丙 __label__A", "甲 乙 __label__B __label__A", "乙 丁 __label__A"],
    "valid": ["甲 丁 __label__B", "乙 __label__C"],
    "test": ["丙 __label__D __label__C", "甲 __label__A"],
}


@pytest.fixture
def options_of(tmp_path):
    """Options whose files hold LINES, or what is given instead."""

    def make(lines=None, **changes):
        paths = {}
        for split, content in (LINES | (lines or {})).items():
            paths[split] = tmp_path / f"{split}.txt"
            paths[split].write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
        values = {
            "training_data_file": [str(paths["train"])],
            "valid_data_file": [str(paths["valid"])],
            "test_data_file": [str(paths["test"])],
            "data_path": str(tmp_path / "data"),
            "process_num": 1,
            "tokenize_style": "space",
            "min_count": 1,
            "sequence_length": 8,
            "batch_size": 2,
        }
        return FineTuningOptions(**(values | changes))

    return make


def test_labels_of_all_splits(options_of, caplog):
    data = prepare_data(options_of(), None)
    # Those of train by frequency, then what only the others have.
    assert data.task.labels == ("A", "B", "C", "D")
    np.testing.assert_array_equal(data.targets("train"), [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(data.targets("valid"), [[0, 1, 0, 0], [0, 0, 1, 0]])
    np.testing.assert_array_equal(data.targets("test"), [[0, 0, 1, 1], [1, 0, 0, 0]])
    assert data.targets("train").dtype == bool
    unseen = [message for message in caplog.messages if "train does not have" in message]
    assert unseen == [
        "valid has 1 labels that train does not have (C): they are kept, and count as missed 1 "
        "times",
        "test has 2 labels that train does not have (C, D): they are kept, and count as missed 2 "
        "times",
    ]


def test_many_unseen_labels_are_shortened(options_of, caplog):
    lines = [f"甲 __label__X{number}" for number in range(9)]
    prepare_data(options_of({"valid": lines}), None)
    assert "valid has 9 labels that train does not have (X0, X1, X2, X3, X4, ...)" in caplog.text


def test_vocabulary_is_of_train_alone(options_of):
    lines = {"valid": ["戊 戊 戊 甲 __label__A"]}
    data = prepare_data(options_of(lines), None)
    assert set(data.text.vocabulary.tokens[5:]) == {"甲", "乙", "丙", "丁"}
    tokens = data.corpora["valid"].tokens(0)
    assert [data.text.vocabulary.tokens[token] for token in tokens] == ["[UNK]"] * 3 + ["甲"]


def test_batches(options_of):
    data = prepare_data(options_of(), None)
    assert set(data.batches) == {"train", "valid", "test"}
    for split in data.batches:
        order = np.concatenate([batch["example"] for batch, _ in data.batches[split].batches(0)])
        targets = np.concatenate([batch[1] for batch in data.batches[split].batches(0)])
        assert sorted(order) == list(range(len(data.corpora[split])))
        np.testing.assert_array_equal(targets, data.targets(split)[order])


def test_a_test_file_is_not_needed(options_of):
    data = prepare_data(options_of(test_data_file=[]), None)
    assert set(data.corpora) == {"train", "valid"}
    assert data.task.labels == ("A", "B", "C")


def test_a_training_file_is_needed(options_of):
    with pytest.raises(OptionError, match="--training_data_file= is empty"):
        split_files(options_of(training_data_file=[]))


def test_multi_class_wants_one_label(options_of, tmp_path):
    with pytest.raises(InputError) as caught:
        prepare_data(options_of(task="multi_class"), None)
    assert str(caught.value).startswith(f"{tmp_path / 'train.txt'}:2: --task=multi_class requires")
    # Blank lines count in the file, not among the documents; the second file has its own lines.
    lines = {
        "train": ["甲 乙 丙 丁 __label__A"] * 3,
        "test": ["", "甲 __label__A", "", LINES["test"][0]],
    }
    options = options_of(lines, task="multi_class")
    options = options.replace(test_data_file=[*options.training_data_file, *options.test_data_file])
    with pytest.raises(InputError) as caught:
        prepare_data(options, None)
    assert str(caught.value).startswith(f"{tmp_path / 'test.txt'}:4: --task=multi_class requires")
    prepare_data(options_of(lines | {"test": ["甲 __label__A"]}, task="multi_class"), None)


def test_cut_documents_are_counted(options_of, caplog):
    # 8 places, two of them for [CLS] and [SEP]: 6 tokens fit.
    words = ["甲 乙 丙 丁 甲 乙", "甲 乙 丙 丁 甲 乙 丙", "甲 乙 " * 10]
    lines = {"train": [f"{text} __label__A" for text in words], "valid": [f"{words[2]} __label__A"]}
    prepare_data(options_of(lines), None)
    cut = [message for message in caplog.messages if "are truncated" in message]
    assert cut == [
        "documents longer than --sequence_length=8 are truncated: 2 of 3 in train, 1 of 1 in valid"
    ]
    caplog.clear()
    prepare_data(options_of(lines, windows=2), None)
    assert (
        "documents longer than --windows=2 (in all 14 tokens) are truncated: 1 of 3 in train"
        in caplog.text
    )
    caplog.clear()
    prepare_data(options_of(), None)
    assert "are truncated" not in caplog.text


def test_a_checkpoints_vocabulary_is_used(tiny, run_of):
    from models.checkpoints.folder import read_checkpoint

    options = FineTuningOptions(**tiny.fine_tuning())
    checkpoint = read_checkpoint(run_of().pretrained)
    data = prepare_data(options, checkpoint)
    stored = checkpoint.text("vocab.txt").splitlines()
    assert list(data.text.vocabulary.tokens) == stored
    assert data.text.tokenizer.style == "word"


def test_test_mode_reads_a_few_documents(options_of):
    lines = {"train": ["甲 乙 __label__A"] * 320}
    assert len(prepare_data(options_of(lines), None).corpora["train"]) == 320
    data = prepare_data(options_of(lines, test_mode=True), None)
    assert len(data.corpora["train"]) == 300


def test_multi_hot():
    corpus = LabelledCorpus(
        ids=np.zeros(3, np.int32),
        offsets=np.array([0, 1, 2, 3]),
        label_ids=np.array([2, 0, 1], np.int32),
        label_offsets=np.array([0, 2, 2, 3]),
    )
    np.testing.assert_array_equal(multi_hot(corpus, 4), [[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]])


def test_the_numbers_of_the_examples_reach_the_model_which_needs_none(options_of):
    data = prepare_data(options_of(tfidf_classifier=False), None)
    batches = [inputs for inputs, _ in data.batches["train"].batches(0)]
    made = list(prefetched(lambda: iter(batches), len(batches)).as_numpy_iterator())
    assert sorted(np.concatenate([batch["example"] for batch in made])) == [0, 1, 2]
    config = backbone_config("text_cnn", "tiny", len(data.text.vocabulary), max_position=8)
    model = build(data.task.build_model(make_backbone(config), dropout=0.1))
    without = {name: array for name, array in batches[0].items() if name != "example"}
    np.testing.assert_array_equal(model(batches[0]), model(without))
