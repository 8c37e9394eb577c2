"""A report as one HTML file that needs nothing else: no script, no network, no font of its own.

Whatever comes from documents, labels or options is escaped by jinja2. The page's own policy
(https://www.w3.org/TR/CSP3/) forbids everything but its one style sheet, so that even text that got
through could load and run nothing.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.blocks import LineChart, Report, Table
from reports.geometry import plot

_FOLDER = Path(__file__).parent
_STYLE = "report.css"
_ROWS_OF_A_CHART = 200


def render(report: Report) -> str:
    """The HTML of a report; the same report gives the same text.

    >>> "&lt;b&gt;" in render(Report("<b>"))
    True
    """
    style = (_FOLDER / _STYLE).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = (
        _environment()
        .get_template("report.html")
        .render(report=report, style=Markup(style), style_source=f"sha256-{digest}")
    )
    # JSON may hold halves of surrogate pairs, and names of files bytes that are not UTF-8.
    return html.encode(errors="backslashreplace").decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.globals["plot"] = plot
    environment.filters |= {"number": number, "is_number": is_number, "as_table": as_table}
    return environment


def _printable(value: Any) -> Any:
    """Text without control characters, which HTML does not allow."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(char if char >= " " or char in "\n\t" else "\ufffd" for char in value)


def is_number(value: Any) -> bool:
    """Whether a cell of a table holds a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: str | int | float) -> str:
    """A cell of a table as text: fractions have three decimals, whole numbers separators."""
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if is_number(value) else str(value)


def as_table(chart: LineChart) -> Table:
    """The numbers of a chart with lines, for those who do not see it."""
    names = [each.name for each in chart.series if each.points]
    values: dict[float, dict[str, float]] = {}
    for each in chart.series:
        for x, y in each.points:
            values.setdefault(x, {})[each.name] = y
    rows = [
        [number(int(x) if float(x).is_integer() else x), *(by.get(name, "") for name in names)]
        for x, by in sorted(values.items())
    ]
    left_out = f", the last {_ROWS_OF_A_CHART}" if len(rows) > _ROWS_OF_A_CHART else ""
    title = f"{chart.title}: the numbers{left_out}"
    return Table(title, [chart.x, *names], rows[-_ROWS_OF_A_CHART:], folded=True)
