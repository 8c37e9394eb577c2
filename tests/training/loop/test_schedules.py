import numpy as np
import pytest

from training.loop.schedules import SlantedTriangular


def test_slanted_triangle_is_equation_3_of_ulmfit():
    total, fraction, ratio, peak = 200, 0.1, 32, 0.01
    cut = int(total * fraction)
    schedule = SlantedTriangular(peak, cut, total)
    for t in range(total):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / fraction - 1))
        expected = peak * (1 + p * (ratio - 1)) / ratio
        assert float(schedule(t)) == pytest.approx(expected, rel=1e-5)
    rates = [float(schedule(t)) for t in (0, cut, total)]
    np.testing.assert_allclose(rates, [peak / ratio, peak, peak / ratio], rtol=1e-5)


def test_comes_back_from_its_config():
    schedule = SlantedTriangular.from_config(SlantedTriangular(0.1, 3, 9, 16.0).get_config())
    assert float(schedule(0)) == pytest.approx(0.1 / 16)
