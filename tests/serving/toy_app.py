"""The service in this process, on a toy model."""

from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient

from data_util.reading.labels import LabelSet
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.checkpoints.folder import Checkpoint
from serving.app import make_app
from serving.options import ServingOptions
from tasks.classification.task import MultiLabel
from tasks.data import TextEncoder


class ToyPredictor:
    """Label B if the text has "bomb" in it, label A if not."""

    def __init__(self, pairs=False):
        self.task = MultiLabel(LabelSet(["A", "B"]), pairs=pairs, threshold=0.5)
        vocabulary = Vocabulary([*RESERVED, "bomb", "peace"])
        self.checkpoint = Checkpoint(
            Path("toy"), {"test_mode": True, "backbone": {"backbone": "toy"}}, {}
        )
        self.metrics = {}
        # 30 tokens beside [CLS] and each [SEP].
        self.text = TextEncoder(make_tokenizer("space"), vocabulary, 33 if pairs else 32)
        self.rows = []

    def encode(self, records):
        return self.task.encode(records, self.text)

    def batch_outputs(self, encoded):
        self.rows.append(len(encoded))
        # Of a pair, the second text is what counts.
        counted = [row[-1].ids for row in encoded]
        bombs = np.array([float((ids == 5).sum()) - (ids == 6).sum() for ids in counted])
        return list(np.stack([2 - 4 * bombs, 4 * bombs - 2], axis=1).astype(np.float32)[:, None])


def app_of(predictor, **changes):
    app = make_app(predictor, ServingOptions(**changes))
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def error_of(answer):
    return answer.status_code, answer.json()["error"]["message"]
