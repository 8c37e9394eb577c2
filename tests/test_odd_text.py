"""Text that is odd and files that are none: each works, or is named with file and line."""

import io
import json

import pytest

from common.errors import InputError
from common.files import read_json, read_lines, read_text
from data_util.labelled.build_corpus import count_labels, prepare_labelled_data
from data_util.labelled.checked_examples import check_documents, check_texts
from data_util.labelled.file_report import check_file
from data_util.pretraining.build_corpus import prepare_pretraining_data
from data_util.reading.documents import read_documents, read_texts
from data_util.reading.labels import LabelSet
from data_util.reading.line_format import LineParser
from data_util.reading.raw_lines import MAX_LINE_BYTES, raw_lines
from data_util.tokens.normalization import visible
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import MAX_TOKEN_LENGTH, RESERVED, Vocabulary
from tests.hostile_files import make_irregular, run_with_memory
from tests.odd_files import KINDS


@pytest.fixture
def write(tmp_path):
    def write(data, name="file.txt"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", ["training", "pretraining", "prediction", "report"])
def test_what_is_no_text_is_named_with_file_and_line(write, kind, use):
    data, message = KINDS[kind]
    path = write(data)
    if use == "report":
        report = check_file(path, check_documents)
        assert report.first_errors[0][0] == 1 and message in report.first_errors[0][1]
        return
    with pytest.raises(InputError) as caught:
        if use == "prediction":
            list(read_texts(io.BytesIO(data), str(path)))
        else:
            list(read_documents([path], labelled=use == "training"))
    assert str(caught.value).startswith(f"{path}:1: ") and message in str(caught.value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1e999", "1.5", "{}"])
def test_json_labels_that_are_none(value):
    line = f'{{"fact": "a", "meta": {{"accusation": [{value}]}}}}'
    with pytest.raises(InputError, match=r"^f:3: labels in `meta.accusation` must be"):
        LineParser("f", labelled=True).parse(line, 3)


@pytest.mark.parametrize("mark", ["＿＿label＿＿", "＿＿ｌａｂｅｌ＿＿", "__ｌabel＿_"])
def test_marks_in_full_width(mark):
    labelled = LineParser("f", labelled=True)
    for line in (f"他来了 {mark}盗窃", f"他来了 {mark}盗窃 __label__诈骗"):
        with pytest.raises(InputError, match=r"^f:1: (`__label__` is written in full|.*without)"):
            labelled.parse(line, 1)
    free = LineParser("f", labelled=False)
    assert free.parse(f"他来了 {mark}盗窃", 1) == ("他来了", ())
    assert free.parse("他_来＿了", 2) == ("他_来＿了", ())


@pytest.mark.parametrize("character", "\u200f\u200b\u2066\ufeff\x01\x9f")
def test_labels_with_something_that_cannot_be_seen(write, tmp_path, character):
    for label in (f"盗窃{character}", f"{character}盗窃"):
        message = rf"U\+{ord(character):04X} .*cannot be seen: remove it"
        with pytest.raises(InputError, match=f"file.txt:1: .*{message}"):
            list(read_documents([write(f"a __label__{label}\n")], labelled=True))
        record = json.dumps({"fact": "a", "meta": {"accusation": [label]}})
        with pytest.raises(InputError, match=f"file.txt:1: .*{message}"):
            list(read_documents([write(record)], labelled=True))
        # At a file's start the byte order mark is one.
        with pytest.raises(InputError, match=f"labels.txt:2: .*{message}"):
            LabelSet.load(write(f"x\n{label}\n", "labels.txt"))


@pytest.mark.parametrize(
    "label", ["👨‍👩‍👧", "🏴\U000e0067\U000e0062\U000e007f", "a\u200db", "x" * 10_000]
)
def test_labels_that_are_odd_but_labels(write, label):
    (document,) = read_documents([write(f"文 __label__{label}")], labelled=True)
    assert document.labels == (label,)


def test_line_ends_may_be_mixed_and_missing(write, caplog):
    path = write("\ufeff一 __label__a\r\n二 __label__b\n三\r四 __label__c")
    documents = list(read_documents([path], labelled=True))
    assert [(d.text, d.labels) for d in documents] == [
        ("一", ("a",)),
        ("二", ("b",)),
        ("三\r四", ("c",)),
    ]
    assert caplog.text.count(f"{path}:3: a carriage return within the line ends no line") == 1


@pytest.mark.parametrize("size", [10_000_000, MAX_LINE_BYTES])
def test_a_line_of_10_mb(write, size):
    path = write(b"a" * size + b"\r\nb\n")
    assert [len(d.text) for d in read_documents([path], labelled=False)] == [size, 1]


def test_a_line_that_is_too_long_is_named_and_passed_over(write):
    data = b"first\n" + b"a" * (2 * MAX_LINE_BYTES + 99) + b"\nlast\n"
    (first, long, last) = raw_lines(io.BytesIO(data))
    assert (first.data, last.data, last.number) == (b"first", b"last", 3)
    assert last.offset == len(data) - len(b"last\n")
    with pytest.raises(InputError, match=r"^f:2: a line of more than 16,777,216 bytes"):
        long.decode("f")
    report = check_file(write(data), check_texts)
    assert (report.wrong, report.examples) == (1, 2)


def test_enormous_files_take_little_memory(tmp_path):
    with (tmp_path / "zeros").open("wb") as file:
        file.truncate(5 << 30)
    (tmp_path / "lines").write_bytes(b"\n" * (31 << 20))
    (tmp_path / "lists").write_bytes(b'{"fact": "a", "x": [' + b"[]," * (5 << 20))
    output = run_with_memory(
        """
        from data_util.reading.documents import read_documents
        from common.errors import InputError
        from data_util.reading.labels import LabelSet
        from data_util.tokens.tokenizer_files import load_tokenizer
        from data_util.tokens.vocabulary import Vocabulary
        ---
        def documents(path):
            return list(read_documents([path], labelled=False))
        def tokenizer(path):
            return load_tokenizer(path, None)
        for name in ("zeros", "lines", "lists"):
            # Empty lines without number are read as documents one by one, which takes its time.
            readers = [Vocabulary.load, LabelSet.load, tokenizer, documents]
            for read in readers[: 3 if name == "lines" else 4]:
                try:
                    read(f"{sys.argv[1]}/{name}")
                except InputError as error:
                    print(name, error)
        """,
        tmp_path,
    )
    assert len(output.splitlines()) == 11
    assert output.count("this file has more than 33,554,432 bytes") == 3
    assert output.count("a line of more than 16,777,216 bytes") == 1
    assert output.count("this file has more than 2,000,000 lines") == 2


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "missing"])
def test_what_is_no_file(tmp_path, kind):
    path = tmp_path / "file"
    if kind != "missing":
        make_irregular(path, kind)
    for read in (read_text, read_lines, lambda path: read_json(path, "a tokenizer")):
        with pytest.raises(InputError, match=f"^{path}: this file cannot be read"):
            read(path)
    with pytest.raises(InputError, match=str(path)):
        list(read_documents([path], labelled=False))


def test_null_is_no_file():
    with pytest.raises(InputError, match="/dev/null: not a regular file"):
        list(read_documents(["/dev/null"], labelled=False))


def test_a_million_empty_lines(write):
    path = write(b"\n" * 1_000_000 + "末\n".encode())
    (document,) = read_documents([path], labelled=False)
    assert (document.text, document.line) == ("末", 1_000_001)
    with pytest.raises(InputError, match="there is no text in this file, only blank lines"):
        list(read_documents([write(b"\n" * 1_000)], labelled=False))


def test_100_000_labels(write, tmp_path):
    path = write("".join(f"文 __label__{number}\n" for number in range(100_000)))
    labels = LabelSet.from_counts(count_labels([path]))
    labels.save(tmp_path / "labels.txt")
    assert LabelSet.load(tmp_path / "labels.txt").labels == labels.labels
    corpus = prepare_labelled_data(
        [path],
        make_tokenizer("char"),
        Vocabulary([*RESERVED, "文"]),
        labels,
        cache_folder=tmp_path / "cache",
    )
    assert len(corpus) == 100_000 and corpus.label_ids.max() == 99_999


def test_labels_that_could_not_be_read_again():
    with pytest.raises(InputError, match="at most 1,000,000 labels and 8,388,608 bytes"):
        LabelSet(["x" * 5_000_000, "y" * 5_000_000])


def test_words_too_long_for_a_vocabulary_are_left_out():
    longest, longer = "a" * MAX_TOKEN_LENGTH, "b" * (MAX_TOKEN_LENGTH + 1)
    vocabulary = Vocabulary.from_counts({longest: 9, longer: 9}, 100)
    assert vocabulary.tokens == (*RESERVED, longest)
    with pytest.raises(InputError, match="smaller --vocab_size"):
        Vocabulary([*RESERVED, "x" * (33 << 20)])


@pytest.mark.parametrize("style", ["word", "char", "space"])
def test_documents_all_alike_and_only_one(write, tmp_path, style):
    for count in (1, 50):
        corpus, vocabulary = prepare_pretraining_data(
            [write("他来了。他走了。\n" * count)],
            make_tokenizer(style),
            min_count=1,
            cache_folder=tmp_path / "cache",
        )
        assert len(corpus) == count
        assert len(corpus.ids) % count == 0 and vocabulary.unk_id not in corpus.ids


@pytest.mark.parametrize("text", ["👨‍👩‍👧 \u200d\u200f", "\ufeff\u2028a\x85b", "\u202e", "İ" * 50])
@pytest.mark.parametrize("style", ["word", "char", "space"])
def test_no_visible_character_of_odd_text_is_lost(text, style):
    for lower_case in (False, True):
        tokens = make_tokenizer(style, lower_case=lower_case).tokenize(text)
        expected = visible(text.lower() if lower_case else text)
        assert "".join(tokens) == "".join(expected.split())
