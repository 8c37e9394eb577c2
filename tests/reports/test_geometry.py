import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.blocks import LineChart, ScatterChart, Series
from reports.geometry import HEIGHT, WIDTH, nice_ticks, plot, short

numbers = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.13, 0.87, 4, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (25, 275, 5, [0, 50, 100, 150, 200, 250, 300]),
        (3, 3, 5, [1.5, 2, 2.5, 3, 3.5, 4, 4.5]),
        (-4, -4, 4, [-6, -5, -4, -3, -2]),
    ],
)
def test_ticks_by_hand(low, high, count, expected):
    assert nice_ticks(low, high, count) == pytest.approx(expected)


@given(numbers, st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_cover_the_range_and_are_few(low, width, count):
    ticks = nice_ticks(low, low + width, count)
    assert ticks[0] <= low + 1e-6 * width and ticks[-1] >= low + width - 1e-6 * width
    assert 2 <= len(ticks) <= 2 * count + 2
    steps = {round(after - before, 9) for before, after in pairwise(ticks)}
    assert max(steps) - min(steps) <= 1e-6 * max(steps)


def test_numbers_on_an_axis():
    assert [short(each) for each in (0, 0.25, 50, 1500, 2e6)] == ["0", "0.25", "50", "1.5k", "2M"]


@given(st.lists(st.lists(numbers, min_size=1, max_size=5), min_size=1, max_size=4))
def test_everything_is_within_the_picture_and_names_do_not_overlap(values):
    series = [Series(f"s{i}", list(enumerate(ys))) for i, ys in enumerate(values)]
    placed = plot(LineChart("", "", "", series))
    for line in placed.lines:
        assert all(placed.left <= x <= placed.right for x, _ in line.points)
        assert all(placed.top - 1e-6 <= y <= placed.bottom + 1e-6 for _, y in line.points)
    heights = sorted(line.name_y for line in placed.lines)
    assert all(b - a > 12 for a, b in pairwise(heights))
    assert all(0 < height <= HEIGHT for height in heights)
    assert placed.right < WIDTH


def test_a_line_by_hand():
    placed = plot(LineChart("", "", "", [Series("a", [(0, 0), (10, 5), (20, 10)])]))
    (line,) = placed.lines
    (x0, y0), (x1, y1), (x2, y2) = line.points
    assert (x0, x2) == (placed.left, placed.right) and x1 == pytest.approx((x0 + x2) / 2)
    assert (y0, y2) == (placed.bottom, placed.top) and y1 == pytest.approx((y0 + y2) / 2)


def test_a_logarithmic_axis():
    points = [(0, 0.0, "none"), (1, 0.25, "one"), (10, 0.5, "ten"), (100, 1.0, "hundred")]
    placed = plot(ScatterChart("", "", "", points))
    xs = [dot.x for dot in placed.dots]
    assert xs[2] - xs[1] == pytest.approx(xs[3] - xs[2])
    assert xs[1] - xs[0] == pytest.approx((xs[2] - xs[1]) * math.log10(2))
    ticks = {tick.text: tick.position for tick in placed.x_ticks}
    assert [ticks[text] for text in ("0", "1", "10", "100")] == pytest.approx(xs)
    assert placed.dots[3].y == placed.top and placed.dots[0].y == placed.bottom


def test_areas_of_dots():
    chart = LineChart("", "", "", [Series("", [(0.1, 0.1), (0.9, 0.8)])], sizes=[1000, 10])
    large, small = plot(chart).dots
    ratio = math.log1p(1000) / math.log1p(10)
    assert (large.radius / small.radius) ** 2 == pytest.approx(ratio)
