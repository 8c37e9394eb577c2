from pathlib import Path

import pytest

from benchmarks.lib.checkouts import Checkout, arguments_for

NEW = [
    "train_bert_lm.py",
    "--ckpt_dir=num_sampled",
    "--num_sampled=0",
    "--warmup_ratio=0.2",
    "--objectives=masked_lm",
    "--head=max_pooled",
]
OLD = [
    "train_bert_lm.py",
    "--ckpt_dir=num_sampled",
    "--masked_lm_candidates=0",
    "--warmup_share=0.2",
    "--masked_lm=true",
    "--next_sentence=false",
    "--head=detectors",
]


@pytest.mark.parametrize(("version", "expected"), [("0.1.0", OLD), ("0.2.0", NEW)])
def test_names_of_a_version(tmp_path, version, expected):
    text = f'[project]\nname = "it"\nversion = "{version}"\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    checkout = Checkout(tmp_path)
    assert checkout.version == version
    assert checkout.translate(NEW) == expected


def test_modules_of_the_first_version():
    assert arguments_for("0.1.0", ["-m", "conversion.export_released", "a", "b"]) == [
        *("-m", "models.export_bert", "a", "b")
    ]


def test_the_interpreter(tmp_path):
    assert Checkout(tmp_path).python == tmp_path / ".venv/bin/python"
    assert Checkout(tmp_path, Path("/usr/bin/python3")).python == Path("/usr/bin/python3")
