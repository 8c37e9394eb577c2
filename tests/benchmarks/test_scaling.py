"""The cost model of several devices, by hand, and a smoke run of what fits it."""

import pytest

from benchmarks import scaling
from benchmarks.scaling import Costs, least_squares, predicted


@pytest.mark.usefixtures("eagerly")
def test_scaling(smoke_run):
    tables = smoke_run(scaling, "--bandwidth=1e9", "--latency=1e-5", "--rows=1000")
    measured, (costs,), table = tables.values()
    assert [row["rows"] for row in measured] == [2, 4]
    assert costs["gradient_bytes"] > 4 * 10_000
    assert [row["devices"] for row in table] == [1, 2, 16, 100]
    assert table[0]["share_of_ideal"] == 1


def test_the_cost_model_by_hand():
    costs = Costs(0.01, 1e-6, 1e-6, 4e8, 1e9, 1e-4)
    assert costs.all_reduce(1) == 0
    # A ring of two moves all bytes once; each of its two messages takes the latency once.
    assert costs.all_reduce(2) == pytest.approx(0.4 + 2e-4)
    assert costs.compute(1000, 200, 2) == pytest.approx(0.01 + 0.1)
    one, two, *_ = predicted(costs, 1000, 200)
    assert one["step_ms"] == pytest.approx(210)
    assert two["share_of_ideal"] == pytest.approx(0.21 / (0.11 + 0.4002) / 2)
    slow_input = Costs(0.01, 1e-6, 1e-2, 4e8, 1e9, 1e-4)
    assert slow_input.total(1000, 200, 16) == 10


def test_the_line_of_least_squares():
    assert least_squares([1, 2, 3], [5, 7, 9]) == pytest.approx((3, 2))
    # A step without rows cannot take less than no time.
    assert least_squares([1, 2, 3], [0, 2, 4])[0] == 0
