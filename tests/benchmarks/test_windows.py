"""The documents of the comparison of windows."""

import json

from benchmarks.windows import long_documents


def test_only_long_documents_are_kept(tmp_path):
    texts = ["盗" * length for length in (3, 5, 4, 9)]
    source = tmp_path / "all.json"
    source.write_text("".join(json.dumps({"fact": text}) + "\n" for text in texts))
    target = tmp_path / "long.json"
    assert long_documents(source, target, 5) == 2
    kept = [json.loads(line)["fact"] for line in target.read_text().splitlines()]
    assert kept == [texts[1], texts[3]]
