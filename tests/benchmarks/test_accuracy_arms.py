"""What tells the runs of the accuracy benchmark apart."""

from pathlib import Path

from benchmarks.accuracy_arms import Arms
from benchmarks.results import Results


def test_a_preset_tells_networks_apart_and_nothing_else(tmp_path):
    small, tiny = (
        Arms(Path("data"), "cail2018", tmp_path, Results(tmp_path / "results.jsonl"), 8, preset)
        for preset in ("small", "tiny")
    )
    assert tiny.setting("svm") == small.setting("svm") == {"set": "cail2018", "arm": "svm"}
    for arm in ("text_cnn/random", "transformer/pretrained", "text_cnn/pretraining"):
        assert tiny.setting(arm) == {**small.setting(arm), "preset": "tiny"}
