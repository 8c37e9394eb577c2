"""A classifier's checkpoint, loaded, and texts for it."""

import pytest

from training.prediction import Predictor

TEXTS = ["被告人盗窃手机。", "当日酒后殴打。" * 5, "虚构转账。", "。", "公安机关" * 60]


@pytest.fixture(scope="session")
def predictor(run_of):
    return Predictor(run_of().fine_tuned)
