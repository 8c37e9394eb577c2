"""The tokenize style of a run where the options do not name one."""

import logging

from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.preparation.tokenize_style import (
    for_fine_tuning,
    for_pretraining,
    with_tokenize_style,
)

TITLES = ["贯流风机内部偏心涡演化规律的数值分析", "双官能团活性艳蓝的应用性能"]


def test_short_texts_are_read_by_character(caplog):
    with caplog.at_level(logging.INFO):
        chosen = with_tokenize_style(FineTuningOptions(), TITLES)
    assert chosen == FineTuningOptions(tokenize_style="char")
    assert "texts of 16 characters on average: --tokenize_style=char" in caplog.text


def test_both_texts_of_a_pair_count():
    pairs = [("花呗怎么还款", "字" * 40), ("借呗", "字" * 40)]
    assert with_tokenize_style(FineTuningOptions(), pairs).tokenize_style == "char"
    pairs = [("花呗怎么还款", "字" * 200), ("借呗", "字" * 200)]
    assert with_tokenize_style(FineTuningOptions(), pairs).tokenize_style == "word"


def test_a_style_that_was_given_and_that_of_a_file_are_kept():
    for given in (
        {"tokenize_style": "word"},
        {"vocab_file": "vocab.txt"},
        {"user_dictionary": "words.txt"},
    ):
        options = FineTuningOptions(**given)
        assert with_tokenize_style(options, iter(TITLES)) == options


def test_the_text_of_pretraining(tmp_path):
    path = tmp_path / "raw.txt"
    for length, style in ((30, "char"), (300, "word")):
        path.write_text("字" * length + "\n", encoding="utf-8")
        options = for_pretraining(PretrainingOptions(mask_lm_source_file=[str(path)]))
        assert options.tokenize_style == style


def test_the_training_texts_of_a_task(tmp_path):
    path = tmp_path / "train.txt"
    for length, style in ((30, "char"), (300, "word")):
        # The labels are no part of the text.
        path.write_text("字" * length + " __label__" + "长" * 99 + "\n", encoding="utf-8")
        options = for_fine_tuning(FineTuningOptions(), {"train": [str(path)]})
        assert options.tokenize_style == style
