import json
import sys

from benchmarks import segmentation


def test_differences():
    assert list(segmentation.differences(["a", "b"], ["a", "b"])) == []
    found = list(segmentation.differences(["a", "常", "在", "b"], ["a", "常在", "b"]))
    assert found == [(["常", "在"], ["常在"])]


def test_a_checkout_beside_itself(tmp_path, monkeypatch, capsys):
    (tmp_path / "cail2018").mkdir()
    for split in segmentation.SPLITS:
        line = json.dumps({"fact": "被告人盗窃手机。"}, ensure_ascii=False)
        (tmp_path / "cail2018" / f"{split}.json").write_text(f"{line}\n{line}\n", encoding="utf-8")
    arguments = [f"--data={tmp_path}", f"--before={segmentation.ROOT}"]
    arguments.append(f"--before_python={sys.executable}")
    monkeypatch.setattr(sys, "argv", ["segmentation", *arguments])
    segmentation.main()
    assert "| 6 | 24 | 0 | 0 |" in capsys.readouterr().out
