"""From the lines of a file or a pipe to results."""

import csv
import io
import json
import os
import threading

import pytest

from common.errors import InputError, OptionError
from tasks.data import Line
from tests.training.conftest import TEXTS
from training import prediction
from training.language_model import TextModel
from training.options.scripts import PredictionOptions
from training.prediction import predict


def test_a_pre_trained_checkpoint_fills_in_masks(run_of, tmp_path, capfd):
    source = tmp_path / "in.txt"
    source.write_text("被告人[MASK]手机。\n\n被告人。\n", encoding="utf-8")
    options = PredictionOptions(
        ckpt_dir=str(run_of().pretrained), input=str(source), top_k=2, with_text=True
    )
    with pytest.raises(InputError, match=r"in\.txt:3: this text has no \[MASK\]: write it"):
        predict(options)
    capfd.readouterr()
    assert predict(options.replace(on_error="skip")) == 3
    first, empty, wrong = map(json.loads, capfd.readouterr().out.splitlines())
    expected = TextModel.load(run_of().pretrained).fill("被告人[MASK]手机。", 2)
    assert first["prompt"] == "被告人[MASK]手机。" and first["text"] == expected["text"]
    assert [[each["token"] for each in mask] for mask in first["masks"]] == [
        [each["token"] for each in mask] for mask in expected["masks"]
    ]
    assert empty == {"masks": [], "text": ""}
    assert wrong["masks"] == [] and "line 3: this text has no [MASK]" in wrong["error"]
    table = options.replace(on_error="skip", output_format="csv", output=str(tmp_path / "out.csv"))
    assert predict(table) == 3
    header, row, *_ = csv.reader((tmp_path / "out.csv").open(encoding="utf-8-sig", newline=""))
    assert header == ["prompt", "masks", "text", "error"]
    assert row[2] == expected["text"] and json.loads(row[1]) == first["masks"]


def test_more_lines_than_fit_together(run_of, tmp_path):
    # Blocks of 16 batches: 33 lines in batches of 1 are three blocks.
    texts = [TEXTS[index % 4] if index % 10 else "" for index in range(33)]
    (tmp_path / "in.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    options = PredictionOptions(
        ckpt_dir=str(run_of().fine_tuned),
        input=str(tmp_path / "in.txt"),
        output=str(tmp_path / "out.jsonl"),
        batch_size=1,
        top_k=1,
    )
    assert predict(options) == 33
    results = [json.loads(line) for line in (tmp_path / "out.jsonl").open(encoding="utf-8")]
    assert len(results) == 33
    by_text = {}
    for text, result in zip(texts, results, strict=True):
        if text:
            by_text.setdefault(text, []).append(result["top"][0]["label"])
        else:
            assert result == {"labels": []}
    assert len(by_text) == 4
    assert all(len(set(found)) == 1 for found in by_text.values())
    # As people read it, not as \u escapes.
    assert results[1]["top"][0]["label"] in (tmp_path / "out.jsonl").read_text(encoding="utf-8")


@pytest.fixture
def labelled(predictor, monkeypatch, tmp_path):
    """Labels the bytes of a file: the number of lines, and the bytes of the output."""
    monkeypatch.setattr(prediction.Predictor, "from_options", lambda options: predictor)

    def label(content, **changes):
        source, target = tmp_path / "in.txt", tmp_path / "out"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        options = PredictionOptions(input=str(source), output=str(target), **changes)
        return predict(options), target.read_text(encoding="utf-8")

    return label


def test_a_wrong_line_stops_and_what_was_done_is_kept(labelled, tmp_path):
    (tmp_path / "out").write_text("old")
    with pytest.raises(InputError) as caught:
        labelled("被告人。\n".encode() * 39 + b"\xff\n", batch_size=1)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'in.txt'}:40: not UTF-8")
    assert f"The results of 39 lines before it are in {tmp_path / 'out.part'}." in message
    assert "--on_error=skip" in message
    assert len((tmp_path / "out.part").read_text(encoding="utf-8").splitlines()) == 39
    # An output that is not whole does not get its name.
    assert (tmp_path / "out").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"in.txt", "out", "out.part"}


def test_nothing_is_kept_where_nothing_was_done(labelled, tmp_path):
    with pytest.raises(InputError, match="1: not UTF-8") as caught:
        labelled(b"\xff\n")
    assert "results" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"in.txt"}


def test_a_run_that_is_stopped_keeps_what_was_done(predictor, labelled, tmp_path, monkeypatch):
    outputs, blocks = predictor.predict, []

    def stopped_in_the_second_block(*arguments):
        blocks.append(arguments)
        if len(blocks) == 2:
            raise KeyboardInterrupt
        return outputs(*arguments)

    monkeypatch.setattr(predictor, "predict", stopped_in_the_second_block)
    with pytest.raises(KeyboardInterrupt):
        labelled("被告人。\n" * 20, batch_size=1)
    assert len((tmp_path / "out.part").read_text(encoding="utf-8").splitlines()) == 16


def test_a_wrong_line_is_skipped_and_counted(labelled, caplog):
    wrong = {"batch_size": 1, "on_error": "skip"}
    count, out = labelled("被告人。\n".encode() + b"\xff\n" * 20 + "盗窃。".encode(), **wrong)
    first, *errors, last = (json.loads(line) for line in out.splitlines())
    assert (count, len(errors)) == (22, 20)
    assert "error" not in first and "error" not in last and last["labels"]
    for line, result in enumerate(errors, 2):
        assert result["labels"] == []
        assert result["error"].startswith(f"line {line}: not UTF-8")
    assert "in.txt: 20 lines in all could not be used" in caplog.text
    assert caplog.text.count(": not UTF-8") == 10


def test_the_results_with_their_texts(labelled):
    _, out = labelled("盗窃\t手机。 __label__x\n\n", with_text=True)
    first, second = (json.loads(line) for line in out.splitlines())
    assert (list(first), first["text"]) == (["text", "labels"], "盗窃\t手机。")
    assert second == {"labels": []}


def test_ids_of_the_input_are_those_of_the_results(predictor, labelled, monkeypatch):
    def read(stream, name, reading):
        for number, line in enumerate(stream, 1):
            yield Line(number, line.decode().strip(), id=f"a{number}" if number < 3 else None)

    monkeypatch.setattr(predictor.task, "read", read)
    results = [json.loads(line) for line in labelled("盗窃。\n殴打。\n转账。\n")[1].splitlines()]
    assert [result.get("id") for result in results] == ["a1", "a2", None]
    rows = list(csv.DictReader(labelled("盗窃。\n", output_format="csv")[1].splitlines()))
    assert [row["id"] for row in rows] == ["a1"]


def test_a_table_of_results(predictor, labelled):
    text = '他说："盗窃, 手机"。'
    _, out = labelled(
        f"{text}\n\n=1+1\n", output_format="csv", with_text=True, top_k=2, threshold=0.0
    )
    rows = list(csv.DictReader(io.StringIO(out)))
    header = "text,label,probability,above_threshold,labels,top_1,probability_1,top_2,probability_2"
    assert list(rows[0]) == header.split(",")
    (result,) = predictor.predict([text], top_k=2)
    assert rows[0]["text"] == text
    assert rows[0]["labels"] == "|".join(entry["label"] for entry in result["labels"])
    assert rows[0]["top_2"] == result["top"][1]["label"]
    assert float(rows[0]["probability_1"]) == pytest.approx(result["top"][0]["probability"])
    assert set(rows[1].values()) == {""}
    # A spreadsheet would compute it.
    assert rows[2]["text"] == "'=1+1"
    # Without a record, the header is there all the same.
    header, row = labelled("\n", output_format="csv", on_error="skip")[1].splitlines()
    assert (header, row) == (
        '"label","probability","above_threshold","labels","error"',
        '"","","","",""',
    )


def test_each_line_of_a_pipe_that_pauses_is_answered(predictor, monkeypatch, tmp_path):
    monkeypatch.setattr(prediction.Predictor, "from_options", lambda options: predictor)
    inward, outward = tmp_path / "in", tmp_path / "out"
    os.mkfifo(inward)
    os.mkfifo(outward)
    options = PredictionOptions(input=str(inward), output=str(outward), max_wait_ms=1)
    run = threading.Thread(target=predict, args=(options,), daemon=True)
    run.start()
    with inward.open("wb", buffering=0) as writer, outward.open("rb") as reader:
        for text in ("盗窃。", "", "骗取。"):
            # The next line is only written after the answer to this one.
            writer.write(f"{text}\n".encode())
            assert bool(json.loads(reader.readline())["labels"]) == bool(text)
    run.join(60)
    assert not run.is_alive()


@pytest.mark.parametrize(("name", "message"), [("", "is a folder"), ("no/out", "there is no fold")])
def test_an_output_that_cannot_be_a_file_is_refused_first(tmp_path, name, message):
    # Before the checkpoint, which does not exist, is read.
    source = tmp_path / "in.txt"
    source.write_text("被告人。\n", encoding="utf-8")
    options = PredictionOptions(ckpt_dir="none", input=str(source), output=str(tmp_path / name))
    with pytest.raises(OptionError, match=message):
        predict(options)


def test_a_pipe_is_written_to_and_not_replaced(run_of, tmp_path):
    source, pipe, read = tmp_path / "in.txt", tmp_path / "pipe", []
    source.write_text("被告人盗窃手机。\n虚构转账。\n", encoding="utf-8")
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.extend(pipe.open(encoding="utf-8")), daemon=True)
    reader.start()
    checkpoint = str(run_of().fine_tuned)
    predict(PredictionOptions(ckpt_dir=checkpoint, input=str(source), output=str(pipe)))
    assert pipe.is_fifo()
    reader.join(10)
    assert [set(json.loads(line)) for line in read] == [{"labels"}] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "pipe"]
