"""The content of the small checkpoint of these tests, and what is done with it."""

import json

import numpy as np

from tests.hostile_files import sign

TEXTS = {"vocab.txt": "[PAD]\n犯罪\n", "labels.txt": "盗窃\n诈骗\n"}
METRICS = {"history": [], "best_epoch": 3}


def outputs(model, batch):
    found = model(batch)
    if not isinstance(found, dict):
        return {"logits": np.asarray(found)}
    return {name: np.asarray(term["values"]) for name, term in found.items()}


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    sign(folder)
