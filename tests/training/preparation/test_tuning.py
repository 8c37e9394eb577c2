import numpy as np
import pytest

from models.backbones.base import make_backbone
from models.presets import backbone_config
from models.registry import TUNINGS
from models.tuning.base import level_weights
from tests.classifiers import classification_model
from training.options.scripts import FineTuningOptions
from training.preparation import tuning


def model_of(options):
    config = backbone_config("text_cnn", "tiny", 40, d_model=16, num_heads=2)
    return tuning.build(classification_model(make_backbone(config), 3), options)


@pytest.mark.parametrize("name", TUNINGS)
def test_options_of_a_tuning(name):
    options = FineTuningOptions(tuning=name, ckpt_dir="x")
    assert tuning.chosen(options).name == name
    assert ("lora_rank" in options.to_dict()) == (name == "lora")
    assert ("unfreeze_every" in options.to_dict()) == (name == "gradual")


def test_rates_fall_from_level_to_level():
    options = FineTuningOptions(learning_rate=1e-3, head_learning_rate=4e-3, layer_decay=0.5)
    model = model_of(options)
    optimizer = tuning.TunedBackbone(model, options).optimizer(10, lambda epoch: 5)
    optimizer.build(model.trainable_variables)
    factor = {
        id(weight): found
        for weight, found in zip(model.trainable_variables, optimizer._factors, strict=True)
    }
    trainable = {id(weight) for weight in model.trainable_variables}
    for depth, weights in enumerate(reversed(level_weights(model.backbone))):
        found = [factor[id(weight)] for weight in weights if id(weight) in trainable]
        assert found and found == pytest.approx([0.25 * 0.5**depth] * len(found))
    assert {factor[id(weight)] for weight in model.head.weights} == {1.0}


def test_epochs_of_gradual_unfreezing():
    options = FineTuningOptions(tuning="gradual", ckpt_dir="x")
    model = model_of(options)
    tuned = tuning.TunedBackbone(model, options)
    optimizer = tuned.optimizer(40, lambda epoch: 10)
    optimizer.build(model.trainable_variables)
    embeddings = model.backbone.token_embedding.embeddings
    assert optimizer._begins[optimizer._get_variable_index(embeddings)] == 30
    changed, counts, unfreezing = [], [], []
    for epoch in range(5):
        changed.append(tuned.begin_epoch(epoch))
        counts.append(len(model.trainable_variables))
        unfreezing.append(tuned.is_unfreezing)
    assert changed == [True, True, True, True, False]
    assert counts[0] == len(model.head.weights)
    assert counts == sorted(set(counts[:4])) + counts[3:4]
    assert unfreezing == [True, True, True, False, False]
    assert tuned.parameters == sum(
        int(np.prod(weight.shape)) for weight in model.trainable_variables
    )
