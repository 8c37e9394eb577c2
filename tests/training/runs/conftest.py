"""A tiny model and a text, for runs that write them into a folder."""

import keras
import pytest


@pytest.fixture
def model():
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("被告人盗窃。\n", encoding="utf-8")
    return path
