import dataclasses
import hashlib
import json

import h5py
import numpy as np
import pytest

from common.errors import CheckpointError
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints import folder as module
from models.checkpoints import weights
from models.checkpoints.folder import Checkpoint, read_checkpoint
from models.checkpoints.size_limits import max_file_bytes, min_parameters
from models.checkpoints.weights import load_model
from models.presets import backbone_config
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES, HEADS, OBJECTIVES, POOLINGS
from tasks.classification.task import MultiLabel
from tests.classifiers import classification_model, label_set, load_any_model, ngram_table
from tests.hostile_files import GIGABYTE, run_with_memory


def sizes(backbone, **changes):
    """Wide enough for biases to be few."""
    own = {"transformer": {"d_ff": 96, "num_layers": 2}, "text_cnn": {"num_filters": 48}}
    values = {"d_model": 64, "num_heads": 4, "max_position": 50, **own.get(backbone, {})}
    return backbone_config(backbone, "tiny", 90, **(values | changes))


@pytest.mark.parametrize("backbone", ["text_cnn", "transformer"])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("position", ["learned", "none"])
def test_the_estimate_is_a_little_less_than_the_backbone(backbone, pooling, position):
    config = sizes(backbone, pooling=pooling, position=position)
    least = config.min_parameters()
    assert min_parameters({"backbone": config.to_dict()}) == least
    real = build(make_backbone(config)).count_params()
    # The pooler of BERT is a square of d_model that the estimate leaves out.
    assert 0.9 * (real - 64 * 64) < least < real


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(
    ("head", "embedding_width"),
    [
        *((head, 0) for head in [*HEADS, "masked_lm", "label_mention"]),
        # The width is that of the table of tokens, which no head changes.
        *(("masked_lm", width) for width in (8, 200)),
    ],
)
def test_no_model_has_fewer_parameters(backbone, head, embedding_width):
    config = dataclasses.replace(sizes(backbone), embedding_width=embedding_width)
    told = {"backbone": config.to_dict(), "stage": "fine_tuning", "num_labels": 30, "head": head}
    if head in OBJECTIVES and head not in HEADS:
        settings = {"mention_frequencies": [0.1] * 30} if head == "label_mention" else {}
        told = {"backbone": config.to_dict(), "stage": "pretraining", "objectives": [head]}
        told["objective_settings"] = settings
        model = PretrainingModel(make_backbone(config), (head,), settings)
    else:
        model = classification_model(make_backbone(config), 30, head=head)
    without_head = min_parameters({"backbone": config.to_dict()})
    parameters = build(model).count_params()
    assert without_head < min_parameters(told) < parameters
    # With the two moments of Adam; the files are a little larger than the numbers in them.
    assert 4 * parameters + (1 << 20) < max_file_bytes("model.weights.h5", told)
    assert 8 * parameters + (1 << 20) < max_file_bytes("optimizer.h5", told)


@pytest.mark.parametrize("linear", [{"num_ngrams": 700}, {"bag_of_words": True}])
def test_the_linear_classifier_counts(linear):
    config = sizes("text_cnn")
    told = {"backbone": config.to_dict(), "stage": "fine_tuning", "num_labels": 30}
    told["head"] = "pooled"
    made = MultiLabel(label_set(30), head="pooled", ngrams=ngram_table(linear.get("num_ngrams", 0)))
    made.bag_of_words = "bag_of_words" in linear
    parameters = build(made.build_model(make_backbone(config), 0.1)).count_params()
    network = build(classification_model(make_backbone(config), 30)).count_params()
    counted = min_parameters(told | linear) - min_parameters(told)
    assert 0.9 * (parameters - network) < counted <= parameters - network


@pytest.mark.parametrize(
    "changes",
    [
        {"vocab_size": 10_000_000},
        {"d_ff": 1_000_000},
        {"num_filters": 5_000},
        {"pooling": "attention", "d_v": 100_000},
        {"position": "learned", "max_position": 10_000_000},
        {"num_segments": 10_000_000},
    ],
)
def test_a_model_that_its_weights_cannot_fill_is_never_made(tmp_path, monkeypatch, changes):
    (tmp_path / "model.weights.h5").write_bytes(bytes(1_000_000))
    name = "transformer" if "d_ff" in changes else "text_cnn"
    backbone = {**sizes(name).to_dict(), **changes}
    told = {"stage": "fine_tuning", "backbone": backbone, "num_labels": 2}
    told |= {"head": "pooled", "task": "multi_label", "head_dropout": 0.1}
    checkpoint = Checkpoint(tmp_path, told, {module.WEIGHTS: tmp_path / module.WEIGHTS})
    monkeypatch.setattr(weights, "make_backbone", None)
    for use in (lambda: load_any_model(checkpoint), lambda: checkpoint.backbone):
        with pytest.raises(CheckpointError, match=r"the file holds at most 250,000\)"):
            use()


@pytest.mark.parametrize("changes", [{"num_labels": 10**9}, {"num_labels": 10**4000}])
def test_heads_count(tmp_path, changes):
    (tmp_path / "model.weights.h5").write_bytes(np.zeros(10**6, np.float32).tobytes())
    told = {"stage": "fine_tuning", "backbone": sizes("text_cnn").to_dict(), "head": "max_pooled"}
    checkpoint = Checkpoint(
        tmp_path, {**told, **changes}, {module.WEIGHTS: tmp_path / module.WEIGHTS}
    )
    with pytest.raises(CheckpointError, match="these weights do not belong to the model"):
        load_model(checkpoint)


@pytest.fixture
def enormous(tmp_path):
    """A checkpoint of a tiny model, one of whose files holds 5 GB of numbers, zeros and sparse."""
    told = {"stage": "fine_tuning", "backbone": sizes("text_cnn").to_dict(), "num_labels": 2}
    told |= {"head": "pooled", "task": "multi_label", "head_dropout": 0.1, "format_version": 1}
    contents = {"config.json": json.dumps(told), "vocab.txt": "a\n", "model.weights.h5": "x"}

    def make(name):
        for each, text in contents.items():
            (tmp_path / each).write_text(text)
        (tmp_path / name).unlink(missing_ok=True)
        if name.endswith(".h5"):
            with h5py.File(tmp_path / name, "w") as file:
                properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                space = h5py.h5s.create_simple((5 * GIGABYTE // 4,))
                h5py.h5d.create(file.id, b"0", h5py.h5t.IEEE_F32LE, space, properties)
        else:
            with (tmp_path / name).open("wb") as file:
                file.truncate(5 * GIGABYTE)
        assert (tmp_path / name).stat().st_size >= 5 * GIGABYTE
        files = {
            each: {
                "bytes": (tmp_path / each).stat().st_size,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
            }
            for each, text in {**contents, name: ""}.items()
        }
        manifest = {"format_version": 1, "files": files}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return tmp_path

    return make


@pytest.mark.parametrize(
    "name", ["model.weights.h5", "optimizer.h5", "vocab.txt", "config.json", "extra"]
)
def test_a_file_that_no_such_model_has_is_not_even_hashed(enormous, monkeypatch, name):
    folder = enormous(name)
    hashed = []
    real = module.sha256
    monkeypatch.setattr(module, "sha256", lambda path: hashed.append(path.name) or real(path))
    with pytest.raises(CheckpointError, match=rf"{name}: 5,.* bytes, but .*it was not read"):
        read_checkpoint(folder)
    assert name not in hashed


def test_five_gigabytes_of_weights_take_little_memory(enormous):
    output = run_with_memory(
        """
        import json
        from pathlib import Path
        from common.errors import CheckpointError
        from models.checkpoints.folder import Checkpoint
        from models.checkpoints.weights import load_model, load_optimizer
        ---
        folder = Path(sys.argv[1])
        files = {name: folder / "model.weights.h5" for name in ("model.weights.h5", "optimizer.h5")}
        told = json.loads((folder / "config.json").read_text())
        checkpoint = Checkpoint(folder, told, files)
        class Optimizer:
            variables = ()
        for load in (load_model, lambda checkpoint: load_optimizer(Optimizer(), checkpoint)):
            try:
                load(checkpoint)
            except CheckpointError as error:
                print(error)
        """,
        enormous("model.weights.h5"),
        limit=4 * GIGABYTE,
    )
    first, second = output.splitlines()
    for line in (first, second):
        assert "its arrays have more than" in line and "nothing of it was read" in line
