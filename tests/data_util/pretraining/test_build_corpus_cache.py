"""The cache of a corpus: when it is used, and when it is made again."""

import logging
import random
import tracemalloc

import h5py
import numpy as np
import pytest

from common.errors import InputError
from data_util.pretraining import build_corpus as pretraining_data
from data_util.reading.mentions import LabelMentions
from data_util.tokens import tokenize_corpus as token_blocks
from data_util.tokens.vocabulary import RESERVED, Vocabulary


def caches(tmp_path):
    return sorted((tmp_path / "cache").glob("*.h5"))


def test_where_words_begin_is_kept_beside_the_ids(prepare, tmp_path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("被告人盗窃手机。\n\n手机一部。他盗窃\n", encoding="utf-8")
    style = {"tokenize_style": "char", "unit": "sentence"}
    without, _ = prepare(path, **style)
    assert without.word_starts is None
    for processes in (1, 2, 2):  # the last time from the cache
        corpus, vocabulary = prepare(path, **style, word_starts=True, processes=processes)
        words = []
        for token, starts in zip(corpus.ids, corpus.word_starts, strict=True):
            words += [""] if starts else []
            words[-1] += vocabulary.tokens[token]
        text = "被告人 盗窃 手机 。 手机 一部 。 他 盗窃"
        assert words == text.split()
    assert corpus.word_starts.dtype == np.uint8 and len(caches(tmp_path)) == 2
    # Where tokens are words, there is nothing to keep.
    corpus, _ = prepare(path, tokenize_style="word", word_starts=True)
    assert corpus.word_starts is None


def test_the_second_time_nothing_is_tokenized(prepare, source, monkeypatch) -> None:
    first, vocabulary = prepare(source)

    def fail(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(pretraining_data, "tokenize_texts", fail)
    second, again = prepare(source)
    np.testing.assert_array_equal(first.ids, second.ids)
    assert again.digest == vocabulary.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"tokenize_style": "char"},
        {"lower_case": True},
        {"min_count": 2},
        {"vocab_size": 7},
        {"max_documents": 2},
        {"test_mode": True},
        {"unit": "sentence"},
        {"vocabulary": Vocabulary([*RESERVED, "one"])},
        {"mentions": LabelMentions({"one": ["one"]})},
    ],
)
def test_another_setting_is_another_cache(prepare, source, tmp_path, changes) -> None:
    prepare(source)
    prepare(source, **changes)
    assert len(caches(tmp_path)) == 2


def test_the_cache_is_keyed_by_content_and_not_by_name(prepare, source, tmp_path) -> None:
    prepare(source)
    before = caches(tmp_path)
    prepare(source.rename(tmp_path / "renamed.txt"))
    assert caches(tmp_path) == before
    content = bytearray((tmp_path / "renamed.txt").read_bytes())
    content[0] = ord("O")
    (tmp_path / "renamed.txt").write_bytes(content)
    _, vocabulary = prepare(tmp_path / "renamed.txt")
    assert len(caches(tmp_path)) == 2
    assert "One" in vocabulary.tokens


def _cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def _alter(path):
    with h5py.File(path) as file:
        place = file["ids"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place] ^= 3
    path.write_bytes(content)


def _other_version(path):
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 99


def _no_vocabulary(path):
    next(path.parent.glob("vocab-*.txt")).unlink()


def _other_vocabulary(path):
    file = next(path.parent.glob("vocab-*.txt"))
    file.write_text(file.read_text(encoding="utf-8").replace("six", "seven"), encoding="utf-8")


@pytest.mark.parametrize(
    "damage", [_cut, _alter, _other_version, _no_vocabulary, _other_vocabulary]
)
def test_a_damaged_cache_is_made_again_with_a_message(
    prepare, source, tmp_path, caplog, damage
) -> None:
    first, vocabulary = prepare(source)
    wanted = np.array(first.ids)
    del first
    damage(caches(tmp_path)[0])
    caplog.set_level(logging.WARNING)
    corpus, again = prepare(source)
    assert "made again" in caplog.text
    np.testing.assert_array_equal(corpus.ids, wanted)
    assert again.digest == vocabulary.digest
    caplog.clear()
    prepare(source)
    assert not caplog.messages


@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_is_left_of_what_failed(prepare, source, tmp_path, monkeypatch, processes) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 1)
    with open(source, "ab") as file:
        file.write(b"\xff\xfe\n")
    with pytest.raises(InputError, match=":4"):
        prepare(source, processes=processes)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_text_without_tokens_is_a_clear_error(tmp_path, monkeypatch, prepare, source) -> None:
    monkeypatch.setattr(token_blocks, "split_sentences", lambda text: [])
    with pytest.raises(InputError, match="no token"):
        prepare(source)
    assert list((tmp_path / "cache").iterdir()) == []


def test_one_process_and_two_write_the_same_file(prepare, source, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 20)
    prepare(source, processes=1)
    one = {path.name: path.read_bytes() for path in (tmp_path / "cache").iterdir()}
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    prepare(source, processes=2)
    assert {path.name: path.read_bytes() for path in (tmp_path / "cache").iterdir()} == one


def test_memory_does_not_grow_with_the_text(prepare, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 1 << 14)
    monkeypatch.setattr("data_util.cache.reading.BLOCK", 1 << 12)
    words = [f"w{number}" for number in range(500)]
    peaks = []
    for lines in (100, 800):
        path = tmp_path / f"{lines}.txt"
        path.write_text(
            "\n".join(" ".join(random.Random(line).choices(words, k=300)) for line in range(lines))
        )
        tracemalloc.start()
        prepare(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]


def test_text_that_changes_while_it_is_read_is_not_cached(
    prepare, source, tmp_path, monkeypatch
) -> None:
    read = pretraining_data.read_documents

    def change(*arguments, **options):
        source.write_text("seven eight\n", encoding="utf-8")
        yield from read(*arguments, **options)

    monkeypatch.setattr(pretraining_data, "read_documents", change)
    with pytest.raises(InputError, match=r"text\.txt: this file has changed while it was read"):
        prepare(source)
    assert list((tmp_path / "cache").iterdir()) == []
