import pytest

from common.errors import InputError
from data_util.reading.documents import read_documents
from data_util.reading.sources import check_one_split, data_files, sources


@pytest.fixture
def folder(tmp_path):
    for name in ("b.txt", "a.txt", "sub/c.txt", ".hidden/d.txt", ".DS_Store"):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"first line of {path.stem}\n\nsecond line\n")
    return tmp_path / "raw"


def names(paths):
    return [path.name for path in data_files(paths)]


def test_folders_and_patterns_in_a_fixed_order(folder):
    assert names([folder]) == ["a.txt", "b.txt", "c.txt"]
    assert names([folder / "*.txt"]) == ["a.txt", "b.txt"]
    assert names([folder / "**" / "*.txt"]) == ["a.txt", "b.txt", "c.txt"]
    assert names([folder / "b.txt", folder / "[a]*"]) == ["b.txt", "a.txt"]
    assert [s.one_of_many for s in sources([folder / "b.txt", folder / "a*"])] == [False, True]


def test_a_name_that_looks_like_a_pattern(tmp_path):
    path = tmp_path / "what?.txt"
    path.write_text("a\n")
    (found,) = sources([path])
    assert found.path == path and not found.one_of_many


def test_parquet_files_are_the_data_set_of_their_folder(folder):
    (folder / "data").mkdir()
    (folder / "data" / "train-00000-of-00001.parquet").write_bytes(b"PAR1")
    assert names([folder]) == ["train-00000-of-00001.parquet"]


def test_a_folder_with_several_splits_is_refused(folder):
    check_one_split([folder, folder / "*.txt"])
    for split in ("train", "test"):
        (folder / f"{split}-00000-of-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"files of test and of train: .* such as .*t\*\.parquet"):
        check_one_split([folder])


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no file matches this pattern"):
        data_files([tmp_path / "*.txt"])
    with pytest.raises(InputError, match="there is no file in this folder"):
        data_files([tmp_path])


def test_a_file_is_a_document(folder, caplog):
    def texts(paths, **options):
        return [document.text for document in read_documents(paths, labelled=False, **options)]

    with caplog.at_level("INFO"):
        whole = texts([folder])
    assert whole == [f"first line of {name}\nsecond line" for name in "abc"]
    assert "3 files of folders and patterns: each file of plain text is a document" in caplog.text
    assert texts([folder / "a.txt"]) == ["first line of a", "second line"]
    assert texts([folder / "a.txt"], unit="file") == whole[:1]
    assert texts([folder / "a*"], unit="document") == ["first line of a", "second line"]
    # Records and pairs are documents by themselves.
    (folder / "a.txt").write_text('{"text": "one"}\n{"text": "two"}\n')
    assert texts([folder / "a*"]) == ["one", "two"]
    (folder / "a.txt").write_text('[\n{\n"text": "one"\n},\n{"text": "two"}]')
    assert texts([folder / "a*"]) == ["one", "two"]


def test_an_empty_text_among_many_is_skipped(folder):
    (folder / "b.txt").write_text("\n\n")
    assert len(list(read_documents([folder], labelled=False))) == 2
    with pytest.raises(InputError, match="there is no text in this file"):
        list(read_documents([folder / "b.txt"], labelled=False))
