import json

import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from models.checkpoints.folder import MENTION_LABELS, read_checkpoint
from models.checkpoints.weights import build_model, load_model
from models.presets import backbone_config
from models.registry import OBJECTIVES
from train_bert_lm import pretrain
from training import pretraining
from training.options.scripts import PretrainingOptions

BOTH = ["masked_lm", "label_mention"]


@pytest.fixture
def options_of(tiny, tmp_path):
    def make(names="盗窃\n故意伤害\t殴打\n诈骗\t骗取\n", **changes):
        path = tmp_path / "names.txt"
        path.write_text(names, encoding="utf-8")
        values = {"ckpt_dir": str(tmp_path / "lm"), "objectives": BOTH, "num_epochs": 1}
        values |= {"batch_size": 64, **changes}
        if "label_mention" in values["objectives"]:
            values = {"label_names_file": str(path), **values}
        return PretrainingOptions(**tiny.pretraining(**values))

    return make


@pytest.mark.parametrize("objectives", [["label_mention"], [*BOTH, "next_sentence"]])
def test_from_text_to_checkpoint(options_of, tmp_path, eagerly, objectives):
    options = options_of(objectives=objectives)
    metrics = pretrain(options)
    (entry,) = metrics["history"]
    assert {"label_mention_loss", "label_mention_accuracy"} <= set(entry["valid"])
    checkpoint = read_checkpoint(tmp_path / "lm")
    assert checkpoint.text(MENTION_LABELS) == "盗窃\n故意伤害\n诈骗\n"
    vocabulary = checkpoint.text("vocab.txt").split("\n")
    assert "盗窃" not in vocabulary and "×" in "".join(vocabulary)
    (head,) = [head for head in load_model(checkpoint).heads if head.name == "label_mention"]
    assert head.head.num_labels == 3
    # What is known of the data is exact after a round trip, and the labels of the files have no
    # part in it.
    data = pretraining.prepare_data(options)
    assert data.labels == ("盗窃", "故意伤害", "诈骗")
    frequencies = json.loads((tmp_path / "lm" / "config.json").read_text())["objective_settings"]
    assert frequencies == {"mention_frequencies": list(data.label_frequencies)}
    assert all(0 < each < 1 for each in data.label_frequencies)


def test_nothing_is_hidden_for_other_objectives(options_of):
    options = options_of(objectives=["masked_lm"])
    data = pretraining.prepare_data(options)
    assert "盗窃" in data.vocabulary.tokens
    assert not {"mentioned_labels", "mention_weights"} & set(next(data.train.batches(0)))
    assert pretraining.build_model(options, data).saved_settings == {}


def test_no_file_of_labels(options_of):
    options = options_of(label_names_file="")
    with pytest.raises(OptionError, match=r"--label_names_file= is empty.*label_mention.*leave"):
        pretraining.prepare_data(options)


def test_no_document_names_a_label(options_of):
    with pytest.raises(InputError, match=r"names\.txt: no document names any of these labels"):
        pretraining.prepare_data(options_of("贪污\n"))


def test_patterns(options_of, tmp_path):
    path = tmp_path / "patterns.txt"
    path.write_text("{}\n!{}{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"patterns\.txt:2: a pattern has exactly one {}"):
        pretraining.prepare_data(options_of(label_pattern_file=str(path)))
    path.write_text("{}手机\n", encoding="utf-8")
    few = pretraining.prepare_data(options_of(label_pattern_file=str(path)))
    assert 0 < sum(few.label_frequencies) < 1.1


def test_pretraining_that_continues(options_of, tmp_path, eagerly):
    pretrain(options_of())
    start = {"init_ckpt_dir": str(tmp_path / "lm"), "ckpt_dir": str(tmp_path / "more")}
    start["min_count"] = None  # the vocabulary is there
    options = options_of(**start)
    model = pretraining.build_model(options, pretraining.prepare_data(options))
    (first,) = [head for head in model.heads if head.name == "label_mention"]
    source = load_model(read_checkpoint(tmp_path / "lm"))
    (second,) = [head for head in source.heads if head.name == "label_mention"]
    for ours, theirs in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(OptionError, match=r"--label_names_file=.*learned other labels"):
        pretraining.prepare_data(options_of("故意伤害\t殴打\n盗窃\n诈骗\t骗取\n", **start))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_has_what_each_objective_reads(options_of, objective):
    kind = OBJECTIVES[objective]
    special = kind.reads_query_stream or kind.visibility == "prefix"
    backbone = "transformer" if special else "text_cnn"
    options = options_of(objectives=[objective], backbone=backbone)
    batch = next(pretraining.prepare_data(options).train.batches(0))
    for name, array in OBJECTIVES[objective].arrays.items():
        assert batch[name].dtype.name == array.dtype and batch[name].ndim == len(array.shape)


@pytest.mark.parametrize("settings", [None, [], {"mention_frequencies": 3}, {}])
def test_settings_that_cannot_be(settings):
    backbone = backbone_config("text_cnn", "tiny", 40).to_dict()
    config = {"backbone": backbone, "objectives": ["label_mention"]}
    with pytest.raises(CheckpointError, match=r"config\.json: (objective_settings|mention_freq)"):
        build_model({**config, "objective_settings": settings})


def test_a_backbone_that_cannot_see_as_asked_is_refused_before_text_is_read(options_of, tmp_path):
    changes = {"backbone": "lstm", "mask_lm_source_file": [str(tmp_path / "missing.txt")]}
    options = options_of(objectives=["causal_lm"], **changes)
    with pytest.raises(OptionError, match=r"--objectives=causal_lm: .* use --bidirectional=false"):
        pretraining.prepare_data(options)
    options = options_of(objectives=["causal_lm"], **changes, bidirectional=False)
    with pytest.raises(InputError, match=r"missing\.txt"):
        pretraining.prepare_data(options)
