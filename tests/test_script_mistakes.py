"""Mistakes of users of the training scripts: one line that names each."""

import shutil

import pytest

from tests.root_scripts import flags_of


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"\n\n", "only blank lines"),
        (b"\xe8\xa2\xab\n\xc4\xe3\n", ":2: not UTF-8: byte 0xc4"),
        (b'{"fact": "text", "meta": {"accusation": ["A"]}}\n{"meta": {}}\n', ":2: no text: a re"),
    ],
)
def test_unreadable_files(tiny, run_of, refused, tmp_path, content, message):
    path = tmp_path / "wrong.txt"
    if content is not None:
        path.write_bytes(content)
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", mask_lm_source_file=path)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert line.startswith(str(path))
    assert message in line
    values = tiny.fine_tuning(
        ckpt_dir=run_of().pretrained, ckpt_dir_save=tmp_path / "save", training_data_file=path
    )
    line = refused("train_bert_fine_tuning.py", *flags_of(values))
    assert line.startswith(str(path))
    assert message in line
    assert {entry.name for entry in tmp_path.iterdir()} <= {"wrong.txt"}


def test_an_empty_folder_instead_of_a_file(tiny, refused, tmp_path):
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", mask_lm_source_file=tmp_path)
    message = f"{tmp_path}: there is no file in this folder"
    assert message in refused("train_bert_lm.py", *flags_of(values))
    values = tiny.fine_tuning(ckpt_dir="", valid_data_file=tmp_path)
    assert message in refused("train_bert_fine_tuning.py", *flags_of(values))
    values = tiny.fine_tuning(ckpt_dir="", training_data_file="")
    assert "--training_data_file=" in refused("train_bert_fine_tuning.py", *flags_of(values))


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"objectives": []}, ["--objectives=: must be one or more of masked_lm, next_sentence"]),
        ({"sequence_length_lm": 65}, ["--sequence_length_lm=65", "--max_position=64"]),
        ({"backbone": "rnn"}, ["--backbone=rnn: must be one of text_cnn, transformer"]),
        ({"d_model": 15}, ["d_model (15)", "num_heads (2)"]),
        ({"batch_size": "many"}, ["batch_size", "many"]),
        ({"learning_rat": 1}, ["--learning_rat:", "did you mean --learning_rate?"]),
        ({"num_layer": 2}, ["num_layer", "text_cnn has no use for it"]),
    ],
)
def test_options_of_pretraining_that_cannot_be(tiny, refused, tmp_path, changes, messages):
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", **changes)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert [message for message in messages if message not in line] == []
    assert not (tmp_path / "lm").exists()


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"backbone": "transformer"}, ["--backbone=transformer", "backbone=text_cnn"]),
        ({"d_model": 32}, ["--d_model=32", "d_model=16"]),
        ({"preset": "small"}, ["--d_model=128", "preset", "d_model=16"]),
        ({"pooling": "mean"}, ["--pooling=mean", "pooling=max"]),
        ({"tokenize_style": "char"}, ["--tokenize_style=char", "tokenize_style=word"]),
        ({"lower_case": True}, ["--lower_case=True", "lower_case=False"]),
        ({"vocab_size": 10}, ["--vocab_size=10", "vocab_size="]),
        ({"min_count": 2}, ["--min_count=2", "Leave the option out"]),
        (
            {"sequence_length": 65, "max_position": 64},
            ["--sequence_length=65", "--max_position=64"],
        ),
    ],
)
def test_options_that_contradict_the_checkpoint(tiny, run_of, refused, tmp_path, changes, messages):
    values = tiny.fine_tuning(ckpt_dir=run_of().pretrained, ckpt_dir_save=tmp_path / "save")
    line = refused("train_bert_fine_tuning.py", *flags_of(values | changes))
    assert [message for message in messages if message not in line] == []
    assert not (tmp_path / "save").exists()


def test_vocabulary_of_another_tokenizer(tiny, run_of, refused, tmp_path):
    run = run_of()
    beside = run.pretrained / "vocab.txt"
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", tokenize_style="char", vocab_file=beside)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert "--min_count=1" in line
    assert f"--vocab_file={beside}" in line
    del values["min_count"]
    line = refused("train_bert_lm.py", *flags_of(values))
    assert "--tokenize_style=word" in line
    assert "not with char" in line
    # The file alone tells nothing of its tokenizer; that it does not fit the text does.
    alone = tmp_path / "vocab.txt"
    alone.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##ing\nhouse\n。\n", encoding="utf-8")
    line = refused("train_bert_lm.py", *flags_of(values | {"vocab_file": alone}))
    assert "lacks" in line
    assert "another tokenizer" in line
    values = tiny.fine_tuning(ckpt_dir=run.pretrained, ckpt_dir_save=tmp_path / "save")
    line = refused("train_bert_fine_tuning.py", *flags_of(values | {"vocab_file": alone}))
    assert f"--vocab_file={alone}" in line
    assert str(run.pretrained) in line
    (tmp_path / "broken.txt").write_text("。\n", encoding="utf-8")
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", vocab_file=tmp_path / "broken.txt")
    del values["min_count"]
    assert "[PAD]" in refused("train_bert_lm.py", *flags_of(values))
    assert not (tmp_path / "lm").exists()


def test_damaged_checkpoints(tiny, run_of, refused, tmp_path):
    run, folder = run_of(), tmp_path / "lm"

    def message():
        values = tiny.fine_tuning(ckpt_dir=folder, ckpt_dir_save=tmp_path / "save")
        fine_tuning = refused("train_bert_fine_tuning.py", *flags_of(values))
        assert refused("predict.py", f"--ckpt_dir={folder}") == fine_tuning
        assert str(folder) in fine_tuning
        return fine_tuning

    assert "no such checkpoint folder" in message()
    folder.mkdir()
    assert "not a complete checkpoint" in message()
    shutil.copytree(run.pretrained, folder, dirs_exist_ok=True)
    weights = (folder / "model.weights.h5").read_bytes()
    (folder / "model.weights.h5").write_bytes(weights[:-100])
    assert "model.weights.h5: truncated or altered" in message()
    other = run_of("transformer").pretrained / "model.weights.h5"
    shutil.copy(other, folder / "model.weights.h5")
    assert "model.weights.h5: truncated or altered" in message()
    assert not (tmp_path / "save").exists()


def test_another_run_is_not_overwritten_unasked(tiny, run_of, refused, tmp_path):
    run = run_of()
    before = (run.pretrained / "model.weights.h5").read_bytes()
    values = tiny.pretraining(ckpt_dir=run.pretrained, batch_size=32)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert f"--ckpt_dir={run.pretrained}" in line
    assert "--batch_size=16 there, 32 here" in line
    assert "--overwrite" in line
    assert (run.pretrained / "model.weights.h5").read_bytes() == before
    values = tiny.fine_tuning(ckpt_dir=run.pretrained, ckpt_dir_save=run.fine_tuned, threshold=0.4)
    line = refused("train_bert_fine_tuning.py", *flags_of(values))
    assert f"--ckpt_dir_save={run.fine_tuned}" in line
    assert "--threshold=(not given) there, 0.4 here" in line
    (tmp_path / "file").write_text("x")
    values = tiny.fine_tuning(ckpt_dir=run.pretrained, ckpt_dir_save=tmp_path / "file")
    assert "this is a file" in refused("train_bert_fine_tuning.py", *flags_of(values))
