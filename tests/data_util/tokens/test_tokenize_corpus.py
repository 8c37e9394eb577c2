import gc
import logging
from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import progress
from data_util.reading.documents import Document
from data_util.tokens import tokenize_corpus as token_blocks
from data_util.tokens.tokenize_corpus import (
    TokenCounts,
    process_count,
    tokenize_texts,
    with_progress,
)
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import Vocabulary

TEXTS = ["a b 。 b a 。", "c", "", "。 ！ a a a"]


def decoded(texts, *, by_sentence, processes=1):
    """Sentences of tokens of each text, by way of provisional ids."""
    counts = TokenCounts()
    documents, place = [], 0
    blocks = list(
        tokenize_texts(texts, make_tokenizer("space"), processes, by_sentence=by_sentence)
    )
    ids = np.concatenate([counts.add(block) for block in blocks])
    tokens = list(counts.as_dict())
    for block in blocks:
        lengths = iter(block.sentence_lengths.tolist())
        for sentences in block.document_lengths.tolist():
            documents.append([])
            for _ in range(sentences):
                length = next(lengths)
                documents[-1].append([tokens[i] for i in ids[place : place + length]])
                place += length
    assert place == len(ids)
    return documents, counts


@pytest.mark.parametrize("block_characters", [1, 8, 1000])
@pytest.mark.parametrize("processes", [1, 2])
def test_sentences(monkeypatch, block_characters, processes) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", block_characters)
    documents, _ = decoded(TEXTS, by_sentence=True, processes=processes)
    assert documents[:2] == [[["a", "b", "。"], ["b", "a", "。"]], [["c"]]]
    assert [list(chain(*document)) for document in documents[2:]] == [["。", "！", "a", "a", "a"]]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), min_size=1, max_size=9))
def test_whole_texts_are_kept_be_they_empty(texts) -> None:
    documents, counts = decoded([" ".join(text) for text in texts], by_sentence=False)
    assert documents == [[text] for text in texts]
    assert counts.as_dict() == Counter(token for text in texts for token in text)


@pytest.mark.parametrize("by_sentence", [True, False])
def test_the_texts_of_a_pair_are_a_sentence_each(monkeypatch, by_sentence) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 3)
    documents, _ = decoded([("a 。 b", "c"), ("c", "a b")], by_sentence=by_sentence)
    assert documents == [[["a", "。", "b"], ["c"]], [["c"], ["a", "b"]]]


def test_words_do_not_depend_on_the_number_of_processes(monkeypatch) -> None:
    # Each block goes to whichever process is free; all of them have to cut it alike.
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 20)
    texts = [f"他来到了网易杭研大厦。被告人张某{number}盗窃手机一部。" for number in range(12)]
    one, two = (
        list(tokenize_texts(texts, make_tokenizer("word"), processes, by_sentence=True))
        for processes in (1, 2)
    )
    assert len(one) == 12 and [block.tokens for block in one] == [block.tokens for block in two]
    assert "杭研" in one[0].tokens  # by the hidden Markov model: it is in no dictionary
    for ours, theirs in zip(one, two, strict=True):
        assert ours.ids.tolist() == theirs.ids.tolist()
        assert ours.sentence_lengths.tolist() == theirs.sentence_lengths.tolist()


def test_final_ids_and_share_of_unknown() -> None:
    _, counts = decoded(["a b a c a"], by_sentence=False)
    vocabulary = Vocabulary.from_counts({"a": 3, "b": 1}, 100)
    table, unknown = counts.final_ids(vocabulary)
    assert table.tolist() == [5, 6, vocabulary.unk_id]
    assert unknown == pytest.approx(0.2)


def test_progress_passes_documents_on_and_reports(tmp_path, monkeypatch, caplog) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    caplog.set_level(logging.INFO)
    first, second = tmp_path / "1.txt", tmp_path / "2.txt"
    for path in (first, second):
        path.write_text("ab\ncd\n")
    documents = [
        Document(text, (), str(path), line)
        for path in (first, second)
        for line, text in ((1, "ab"), (2, "cd"))
    ]
    passed = []
    for document in with_progress(documents, [first, second]):
        passed.append(document)
        now[0] += 40
    assert passed == documents
    assert caplog.messages[0] == f"tokenizing: reading {first}, {second}"
    # The third document is the first of the second file: 8 of 12 bytes, the last 4 in 40 s.
    assert caplog.messages[3] == "tokenizing  3 documents  67%  40s left"


def test_process_count() -> None:
    assert process_count(3) == 3
    assert process_count(0) >= 1


def test_a_block_leaves_nothing_to_the_garbage_collector() -> None:
    # It comes by when many containers were made, and a block is a few large ones.
    def cut() -> int:
        list(tokenize_texts(["one two", "two"], make_tokenizer("space"), 1, by_sentence=False))
        return gc.collect()

    cut()
    gc.disable()
    try:
        assert cut() == 0
    finally:
        gc.enable()
