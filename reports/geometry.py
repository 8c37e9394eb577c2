"""Where the marks of a chart go: axes, ticks, lines and dots, in the units of an SVG's viewBox."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from reports.blocks import LineChart, ScatterChart

WIDTH, HEIGHT = 360.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 12.0, 14.0, 38.0
_ROOM_FOR_NAMES = 40.0
_BETWEEN_NAMES = 13.0
_LARGEST_DOT, _SMALLEST_DOT = 7.0, 1.5
# Where a logarithmic axis has its 0.
_ZERO = 0.5


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: its position and its text."""

    position: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A dot: its centre, its radius, and what it stands for."""

    x: float
    y: float
    radius: float
    name: str


@dataclass(frozen=True)
class Line:
    """A line: the points of its path, and where its name stands."""

    name: str
    points: Sequence[tuple[float, float]]
    name_y: float

    @property
    def path(self) -> str:
        """The points, as the attribute `points` of a polyline."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class Plot:
    """A chart as marks.

    Attributes:
        width, height: of the viewBox.
        left, right, top, bottom: of the area within the axes.
        x_ticks, y_ticks: the marks on the axes.
        lines, dots: the data.
        marked: the x of a vertical line and its text.
        diagonal: whether a line runs from the lower left to the upper right corner.
    """

    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line] = ()
    dots: Sequence[Dot] = ()
    marked: Tick | None = None
    diagonal: bool = False
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT
    right: float = field(default=WIDTH - _RIGHT)
    top: float = _TOP
    bottom: float = field(default=HEIGHT - _BOTTOM)


def plot(chart: LineChart | ScatterChart) -> Plot:
    """Places the marks of a chart."""
    return _scatter(chart) if isinstance(chart, ScatterChart) else _lines(chart)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers that cover a range: multiples of 1, 2 or 5 times a power of ten.

        >>> nice_ticks(0.13, 0.87, 4)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]

    Args:
        low, high: the range; if both are (nearly) equal, a range around them.
        count: about how many.
    """
    size = max(abs(low), abs(high), 1e-6)
    if high - low <= 1e-6 * size:
        low, high = low - size / 2, high + size / 2
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((1, 2, 5, 10), key=lambda each: abs(math.log(each * power / rough))) * power
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def short(number: float) -> str:
    """A number as a label of an axis: 1500 is "1.5k"."""
    if abs(number) >= 1e6:
        return f"{number / 1e6:g}M"
    return f"{number / 1e3:g}k" if abs(number) >= 1e3 else f"{number:g}"


def _lines(chart: LineChart) -> Plot:
    series = [each for each in chart.series if each.points]
    xs = [x for each in series for x, _ in each.points]
    ys = [y for each in series for _, y in each.points]
    if chart.unit_square or not series:
        x_ticks = y_ticks = nice_ticks(0, 1)
    else:
        x_ticks, y_ticks = nice_ticks(min(xs), max(xs), 4), nice_ticks(min(ys), max(ys), 4)
    # The x axis begins and ends with the data, not with a round number.
    low, high = (0.0, 1.0) if chart.unit_square or not series else (min(xs), max(xs))
    if low == high:
        low, high = low - 1, high + 1
    right = WIDTH - _RIGHT - (_ROOM_FOR_NAMES if any(each.name for each in series) else 0)
    x_of = _scale(low, high, _LEFT, right)
    y_of = _scale(y_ticks[0], y_ticks[-1], HEIGHT - _BOTTOM, _TOP)
    placed = [[(x_of(x), y_of(y)) for x, y in each.points] for each in series]
    heights = _apart([points[-1][1] for points in placed])
    lines = [
        Line(each.name, points, height)
        for each, points, height in zip(series, placed, heights, strict=True)
    ]
    marked = chart.marked
    return Plot(
        x_ticks=[Tick(x_of(x), short(x)) for x in x_ticks if low <= x <= high],
        y_ticks=[Tick(y_of(y), short(y)) for y in y_ticks],
        lines=lines,
        dots=_sized(lines[0], chart.sizes) if chart.sizes else [],
        marked=Tick(x_of(marked[0]), marked[1]) if marked else None,
        diagonal=chart.unit_square,
        right=right,
    )


def _scatter(chart: ScatterChart) -> Plot:
    most = max((x for x, _, _ in chart.points), default=1.0)
    least = max(min((x for x, _, _ in chart.points), default=1.0), _ZERO)
    low, high = math.log10(least), max(math.log10(most), math.log10(least) + 0.3)
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    x_of = _scale(low, high, _LEFT, WIDTH - _RIGHT)
    y_of = _scale(0, 1, HEIGHT - _BOTTOM, _TOP)
    ticks = [Tick(x_of(math.log10(_ZERO)), "0")] if least < 1 else []
    # 1, 2, 5, 10, ... where there is room.
    factors = (1, 2, 5) if high - low < 2.2 else (1,)
    marks = [factor * 10.0**power for power in range(math.ceil(high) + 1) for factor in factors]
    ticks += [
        Tick(x_of(math.log10(mark)), short(mark))
        for mark in marks
        if low <= math.log10(mark) <= high
    ]
    dots = [Dot(x_of(math.log10(max(x, _ZERO))), y_of(y), 2.4, name) for x, y, name in chart.points]
    return Plot(ticks, [Tick(y_of(y), short(y)) for y in nice_ticks(0, 1)], dots=dots)


def _scale(low: float, high: float, first: float, last: float) -> Callable[[float], float]:
    return lambda value: first + (value - low) / (high - low) * (last - first)


def _apart(heights: Sequence[float]) -> list[float]:
    """Moves names that would overlap: each keeps its order and its distance to the next."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    moved = list(heights)
    for upper, lower in pairwise(order):
        moved[lower] = max(moved[lower], moved[upper] + _BETWEEN_NAMES)
    limit = HEIGHT - _BOTTOM
    for index in reversed(order):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - _BETWEEN_NAMES
    return moved


def _sized(line: Line, sizes: Sequence[float]) -> list[Dot]:
    """Dots at the points of a line, whose areas grow with the logarithms of their sizes."""
    largest = math.log1p(max(sizes))
    return [
        Dot(x, y, max(_SMALLEST_DOT, _LARGEST_DOT * math.sqrt(math.log1p(size) / largest)), "")
        for (x, y), size in zip(line.points, sizes, strict=True)
    ]
