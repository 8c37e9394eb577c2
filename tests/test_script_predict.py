"""predict.py: the order of its results, its decisions, what it refuses."""

import json

import pytest


def test_predict_keeps_order_and_empty_lines(tiny, run_of, script, caplog, tmp_path):
    folder = f"--ckpt_dir={run_of().fine_tuned}"
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    texts = [line.split(" __label__")[0] for line in lines]
    # Batches are made by length; the results must be in the order of the lines.
    texts = ["。".join([text] * (1 + index % 3)) for index, text in enumerate(texts)]
    stdin = "".join(f"{text}\n" for text in [*texts[:5], "", "  ", *texts[5:]])
    status, out, _ = script("predict.py", folder, "--batch_size=4", stdin=stdin)
    assert status == 0
    results = [json.loads(line) for line in out.splitlines()]
    assert results[5:7] == [{"labels": []}] * 2
    assert "standard input:6: nothing to predict from" in caplog.text
    assert "standard input:7: nothing to predict from" in caplog.text

    one_by_one = tmp_path / "one.json"
    source = tmp_path / "texts.json"
    records = [json.dumps({"fact": text, "meta": {}}) for text in texts]
    source.write_text("\n".join(records), encoding="utf-8")
    script("predict.py", folder, "--batch_size=1", f"--input={source}", f"--output={one_by_one}")
    singles = [json.loads(line) for line in one_by_one.read_text(encoding="utf-8").splitlines()]
    together = results[:5] + results[7:]
    assert len(singles) == len(together) == len(texts)
    for single, other in zip(singles, together, strict=True):
        assert [e["label"] for e in single["labels"]] == [e["label"] for e in other["labels"]]
        for ours, theirs in zip(single["labels"], other["labels"], strict=True):
            assert ours["probability"] == pytest.approx(theirs["probability"], abs=2e-5)


def test_predict_threshold(run_of, script):
    folder, text = f"--ckpt_dir={run_of().fine_tuned}", "被告人盗窃手机。\n"
    _, out, _ = script("predict.py", folder, "--threshold=0", stdin=text)
    assert len(json.loads(out)["labels"]) == 3
    _, out, _ = script("predict.py", folder, "--threshold=1", stdin=text)
    assert len(json.loads(out)["labels"]) == 1
    assert script("predict.py", folder, stdin="")[:2] == (0, "")


def test_predict_with_other_decisions(run_of, script, refused, tmp_path):
    folder, text = f"--ckpt_dir={run_of().fine_tuned}", "被告人盗窃手机。\n"
    _, out, _ = script(
        "predict.py", folder, "--threshold=1", "--at_least_one=false", "--top_k=3", stdin=text
    )
    result = json.loads(out)
    assert result["labels"] == []
    assert [entry["above_threshold"] for entry in result["top"]] == [False] * 3
    file = tmp_path / "thresholds.tsv"
    file.write_text("诈骗\t0\n", encoding="utf-8")
    _, out, _ = script(
        "predict.py", folder, "--threshold=1", f"--threshold_file={file}", stdin=text
    )
    (entry,) = json.loads(out)["labels"]
    assert (entry["label"], entry["above_threshold"]) == ("诈骗", True)
    file.write_text("诈骗\t0\n抢夺\t0.5\n", encoding="utf-8")
    status = refused("predict.py", folder, f"--threshold_file={file}")
    assert f"{file}:2: the label '抢夺' is not one of the 3 labels" in status


def test_predict_refuses(tiny, run_of, refused, tmp_path):
    run = run_of()
    folder = f"--ckpt_dir={run.fine_tuned}"
    assert "no such checkpoint folder" in refused("predict.py", f"--ckpt_dir={tmp_path / 'no'}")
    assert "language_model has no such option" in refused(
        "predict.py", f"--ckpt_dir={run.pretrained}", "--threshold=0.5"
    )
    assert "no such file" in refused("predict.py", folder, f"--input={tmp_path / 'no.txt'}")
    assert "this is a folder" in refused("predict.py", folder, f"--input={tmp_path}")
    assert "must be from 0 to 1" in refused("predict.py", folder, "--threshold=1.5")
    assert "test_mode" in refused("predict.py", folder, "--test_mode")
    assert "not an option" in refused("predict.py", folder, "text.txt")
    wrong = tmp_path / "wrong.txt"
    wrong.write_bytes("被告人。\n".encode() + b"\xff\xfe\n")
    target = f"--output={tmp_path / 'out.jsonl'}"
    assert f"{wrong}:2: not UTF-8" in refused("predict.py", folder, f"--input={wrong}", target)
    source = tmp_path / "source.txt"
    source.write_text("被告人盗窃。\n", encoding="utf-8")
    message = refused("predict.py", folder, f"--input={source}", f"--output={source}")
    assert "--output" in message
    assert source.read_text(encoding="utf-8") == "被告人盗窃。\n"
