import json
import logging
import random
import tracemalloc
from itertools import pairwise

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InputError
from data_util.pretraining import build_corpus as pretraining_data
from data_util.pretraining.build_corpus import prepare_pretraining_data
from data_util.reading.mentions import LabelMentions
from data_util.tokens import tokenize_corpus as token_blocks
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

DOCUMENTS = [
    "one two three 。 four one 。",
    "two two four",
    "five one 。 one two three 。 six",
]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(DOCUMENTS) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def prepare(tmp_path):
    def prepare(*paths, **changes):
        options = {"min_count": 1, "processes": 1, **changes}
        style, lower_case = options.pop("tokenize_style", "space"), options.pop("lower_case", None)
        tokenizer = make_tokenizer(
            style, lower_case=lower_case, vocabulary=options.get("vocabulary")
        )
        folder = tmp_path / "cache"
        return prepare_pretraining_data(list(paths), tokenizer, cache_folder=folder, **options)

    return prepare


def caches(tmp_path):
    return sorted((tmp_path / "cache").glob("*.h5"))


def decode(corpus, vocabulary):
    """Documents of sentences of tokens."""
    sentences = [
        [vocabulary.tokens[i] for i in corpus.ids[a:b]]
        for a, b in pairwise(corpus.sentence_offsets)
    ]
    return [sentences[a:b] for a, b in pairwise(corpus.document_offsets)]


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


def test_a_pair_is_a_document_of_two_sentences(prepare, source, tmp_path) -> None:
    pairs = tmp_path / "pairs.txt"
    lines = ["one 。 two\tthree __label__same", "four 。\tone 。 one __label__x __label__y"]
    pairs.write_text("\n".join(lines), encoding="utf-8")
    expected = [
        [["one", "。", "two"], ["three"]],
        [["four", "。"], ["one", "。", "one"]],
    ]
    for _ in range(2):  # the second time from the cache
        corpus, vocabulary = prepare(pairs)
        assert decode(corpus, vocabulary) == expected
    # Beside other files, each of which has a format of its own.
    corpus, vocabulary = prepare(source, pairs)
    assert decode(corpus, vocabulary)[3:] == expected
    assert len(decode(corpus, vocabulary)[0]) == 2


def test_the_corpus_is_the_text(prepare, source) -> None:
    corpus, vocabulary = prepare(source)
    assert decode(corpus, vocabulary) == [
        [["one", "two", "three", "。"], ["four", "one", "。"]],
        [["two", "two", "four"]],
        [["five", "one", "。"], ["one", "two", "three", "。"], ["six"]],
    ]
    assert list(vocabulary.tokens[:7]) == [*RESERVED, "one", "two"]


SENTENCES = st.lists(st.text("甲乙丙丁", min_size=1, max_size=2), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    st.lists(
        st.lists(SENTENCES, min_size=1, max_size=3) | st.tuples(SENTENCES, SENTENCES),
        min_size=1,
        max_size=6,
    )
)
def test_any_text_comes_back_from_the_cache(prepare, tmp_path, documents) -> None:
    path = tmp_path / "any.txt"
    with path.open("w", encoding="utf-8") as file:
        file.write("甲\t乙\n")  # a pair, so that tabs part pairs in the lines after it
        for document in documents:
            pair = isinstance(document, tuple)
            sentences = [" ".join(words) + ("" if pair else " 。") for words in document]
            file.write(("\t" if pair else "").join(sentences) + "\n")
    expected = [[["甲"], ["乙"]]]
    for document in documents:
        end = [] if isinstance(document, tuple) else ["。"]
        expected.append([[*words, *end] for words in document])
    first, vocabulary = prepare(path)
    cached, same = prepare(path)
    assert same.tokens == vocabulary.tokens
    assert decode(first, vocabulary) == decode(cached, same) == expected


def test_rare_words_are_unknown(prepare, source) -> None:
    corpus, vocabulary = prepare(source, min_count=2)
    assert decode(corpus, vocabulary)[2][2] == ["[UNK]"]
    corpus, vocabulary = prepare(source, vocab_size=6)
    assert len(vocabulary) == 6


def test_a_given_vocabulary_is_used(prepare, source) -> None:
    given = Vocabulary([*RESERVED, "six", "two"])
    corpus, vocabulary = prepare(source, vocabulary=given)
    assert vocabulary is given
    assert corpus.ids[:4].tolist() == [1, 6, 1, 1]
    again, _ = prepare(source, vocabulary=given)
    np.testing.assert_array_equal(again.ids, corpus.ids)


def test_labels_never_get_into_the_text(prepare, tmp_path) -> None:
    path = tmp_path / "labelled.txt"
    path.write_text("one two __label__A __label__B\nthree __label__C\n")
    _, vocabulary = prepare(path)
    assert sorted(vocabulary.tokens[5:]) == ["one", "three", "two"]


def test_files_of_any_format_are_read_together(prepare, source, tmp_path) -> None:
    path = tmp_path / "cases.json"
    fact = {"fact": "seven 。 eight", "meta": {"accusation": ["x"], "relevant_articles": [1]}}
    path.write_text(json.dumps(fact, ensure_ascii=False) + "\n", encoding="utf-8")
    corpus, vocabulary = prepare(source, path)
    assert decode(corpus, vocabulary)[3] == [["seven", "。"], ["eight"]]


def test_a_line_can_be_a_sentence(prepare, tmp_path) -> None:
    path = tmp_path / "sentences.txt"
    path.write_text("one two\nthree\n\nfour\n")
    corpus, vocabulary = prepare(path, unit="sentence")
    assert decode(corpus, vocabulary) == [[["one", "two"], ["three"]], [["four"]]]


@pytest.mark.parametrize("processes", [1, 2])
def test_labels_that_the_text_names(prepare, source, tmp_path, monkeypatch, processes) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 20)
    extra = tmp_path / "extra.txt"
    # A pair, a text that is all labels, and labels of its own, which are not used.
    extra.write_text("a\tb\nthree x\tfour three __label__six\n__label__six\nx __label__six\n")
    names = {"4": ["four"], "3": ["three"], "6": ["six"]}
    mentions = LabelMentions(names, replacement="_", max_labels=2)
    expected = ([0, 1], [0], [1, 2], [], [0, 1], [])
    for _ in range(2):  # the second time from the cache
        corpus, vocabulary = prepare(source, extra, mentions=mentions, processes=processes)
        assert corpus.labels == ("4", "3", "6")
        offsets = pairwise(corpus.label_offsets)
        assert [corpus.label_ids[a:b].tolist() for a, b in offsets] == list(expected)
        assert corpus.naming == 4
        assert not {"three", "four", "six"} & set(vocabulary.tokens)
        texts = decode(corpus, vocabulary)
        assert texts[0] == [["one", "two", "_", "。"], ["_", "one", "。"]]
        assert texts[4:] == [[["_", "x"], ["_", "_"]], [["x"]]]
    # Without them everything is as it was.
    corpus, vocabulary = prepare(source, extra)
    assert corpus.labels == () and corpus.naming == 0
    assert decode(corpus, vocabulary)[1] == [["two", "two", "four"]]


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
