from benchmarks.titles import first_pairs, first_sentence_row


def test_the_first_sentence_is_a_title(tmp_path):
    path = tmp_path / "test.tsv"
    path.write_text("茶的历史。我们研究它。\t茶的历史\n水。\t火\n", encoding="utf-8")
    row = first_sentence_row(first_pairs(path, 1))
    assert list(row.values()) == ["first sentence", "", "100.0", "100.0", "100.0"]
    assert first_sentence_row(first_pairs(path, None))["test ROUGE-L"] == "50.0"
