"""The root scripts among other programs: pipes, signals, --help and the exit status."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.root_scripts import CHATTER, ROOT, process


def test_ctrl_c(monkeypatch, script, tmp_path):
    from training import prediction

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(prediction, "predict", interrupted)
    status, _, err = script("predict.py")
    assert status == 130
    assert err == "stopped.\n"


def test_sigterm_without_anything_to_save(monkeypatch, script):
    from training import prediction

    monkeypatch.setattr(prediction, "predict", lambda options: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    status, _, err = script("predict.py")
    assert status == 128 + signal.SIGTERM
    assert err == "stopped by SIGTERM\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_predict_as_a_process(tiny, run_of, tmp_path):
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    result = process(
        "predict.py",
        f"--ckpt_dir={run_of().fine_tuned}",
        "--input=/dev/stdin",
        "--with_text",
        cwd=tmp_path,
        stdin="\n".join([lines[0], "", lines[1]]),
        # Text is UTF-8, whatever the locale.
        LC_ALL="C",
        PYTHONCOERCECLOCALE="0",
        PYTHONUTF8="0",
        PYTHONIOENCODING="latin-1:strict",
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[0])["text"] == lines[0].split(" __label__")[0]
    results = [json.loads(line) for line in result.stdout.splitlines()]
    assert [bool(entry["labels"]) for entry in results] == [True, False, True]
    assert "/dev/stdin:2: nothing to predict from" in result.stderr
    assert [word for word in CHATTER if word in result.stderr] == []


def test_predict_answers_a_pipe_that_pauses_and_ends_at_ctrl_c(run_of):
    with subprocess.Popen(
        [sys.executable, str(ROOT / "predict.py"), f"--ckpt_dir={run_of().fine_tuned}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that starts the tests in the background ignores it, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as child:
        for _ in range(2):
            child.stdin.write("被告人盗窃手机。\n".encode())
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["labels"]
        # Its reader waits for the next line, and must not hold it up.
        child.send_signal(signal.SIGINT)
        try:
            err = child.communicate(timeout=120)[1].decode()
        finally:
            child.kill()
    assert child.returncode == 130
    assert err.endswith("the results of 2 lines are in the output\nstopped.\n")


def test_predict_into_a_closed_pipe(tiny, run_of, tmp_path):
    with subprocess.Popen(
        [sys.executable, str(ROOT / "predict.py"), f"--ckpt_dir={run_of().fine_tuned}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        child.stdout.close()
        child.stdin.write(tiny.file("test").read_bytes())
        child.stdin.close()
        err = child.stderr.read().decode()
    assert child.returncode == 0
    assert "Error" not in err
    assert "Traceback" not in err


def test_a_mistake_as_a_process(tmp_path):
    result = process("train_bert_lm.py", "--mask_lm_source_file=none.txt", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: none.txt: there is no such file")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["train_bert_lm.py", "train_bert_fine_tuning.py", "train_transform.py", "predict.py"]
)
def test_help(name, script):
    status, out, err = script(name, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: python {name} ")
    assert "--ckpt_dir=" in out


def test_help_into_a_closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, str(ROOT / "train_bert_lm.py"), "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")
