from benchmarks.translation import nearest_row


def test_the_most_similar_sentence_is_found(tmp_path):
    train, test = tmp_path / "train.tsv", tmp_path / "test.tsv"
    train.write_text("I like tea.\t我喜欢喝茶。\nWhere is he?\t他在哪里呢？\n", encoding="utf-8")
    test.write_text("I like green tea.\t我喜欢喝茶。\n", encoding="utf-8")
    row = nearest_row(train, test)
    assert (row["test BLEU"], row["test chrF"], row["best valid loss"]) == ("100.0", "100.0", "")
