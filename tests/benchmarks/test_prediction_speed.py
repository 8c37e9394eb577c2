import pytest

from benchmarks import prediction_speed
from tests.benchmarks.peers import needs_peers


@needs_peers
@pytest.mark.usefixtures("eagerly")
def test_prediction_speed(smoke_run):
    tables = smoke_run(prediction_speed)
    sides = [[row["side"] for row in rows] for rows in tables.values()]
    assert sides == [
        ["ours, text_cnn", "TF-IDF + linear SVM"],
        ["ours, transformer", "transformers", "TF-IDF + linear SVM"],
    ]
