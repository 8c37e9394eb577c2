import pytest

from benchmarks.lib.results import Results


def test_what_is_there_is_not_run_again(tmp_path):
    path = tmp_path / "results.jsonl"
    runs = []

    def run(value):
        runs.append(value)
        return {"f1": value}

    results = Results(path)
    assert results.get({"arm": "svm", "seed": 1}) is None
    assert results.once({"arm": "svm", "seed": 1}, lambda: run(0.5)) == {"f1": 0.5}
    assert results.once({"seed": 1, "arm": "svm"}, lambda: run(0.6)) == {"f1": 0.5}
    results.once({"arm": "svm", "seed": 2}, lambda: run(0.7))
    again = Results(path)
    assert again.once({"arm": "svm", "seed": 2}, lambda: run(0.8)) == {"f1": 0.7}
    assert again.get({"arm": "svm", "seed": 1}) == {"f1": 0.5}
    assert runs == [0.5, 0.7]


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_line_that_was_cut_short_is_run_again(tmp_path, cut):
    path = tmp_path / "results.jsonl"
    results = Results(path)
    for seed in (1, 2):
        results.once({"seed": seed}, lambda seed=seed: {"f1": seed / 10})
    path.write_bytes(path.read_bytes()[:-cut])
    again = Results(path)
    assert again.get({"seed": 1}) == {"f1": 0.1}
    assert again.once({"seed": 2}, lambda: {"f1": 0.9}) == {"f1": 0.9}
    assert Results(path).get({"seed": 2}) == {"f1": 0.9}


def test_a_run_that_fails_leaves_nothing(tmp_path):
    results = Results(tmp_path / "results.jsonl")
    with pytest.raises(ZeroDivisionError):
        results.once({"seed": 1}, lambda: {"f1": 1 / 0})
    assert Results(tmp_path / "results.jsonl").get({"seed": 1}) is None
