import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from reports.blocks import (
    Example,
    Examples,
    Fact,
    LineChart,
    Report,
    ScatterChart,
    Section,
    Sentences,
    Series,
    Table,
)
from reports.rendering import as_table, number, render

NASTY = "</script><script>alert('1')</script><img src=x onerror=alert(2)>&\"'\u202e{{ 7 * 7 }}"
VOID = {"meta", "br", "img", "input", "link", "hr", "line", "rect", "circle", "polyline"}


class Parser(HTMLParser):
    """Collects elements and text, and checks that every element is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def report_with(text):
    return Report(
        title=text,
        about=text,
        command=text,
        facts=[Fact(text, text, text)],
        sections=[
            Section(
                text,
                [
                    LineChart(text, text, text, [Series(text, [(1, 2.0), (2, 1.0)])], (1, text)),
                    ScatterChart(text, text, text, [(0, 0.0, text), (30, 1.0, text)]),
                    Table(text, [text, "n"], [[text, 3], [text, 1]], bars=1),
                    Table(text, [text, "n"], [[text, 0.5]], folded=True),
                    Sentences([text]),
                    Examples([Example(text, [text, text], [Fact(text, text, text)])]),
                ],
                text,
            )
        ],
    )


def test_text_is_never_markup():
    html = render(report_with(NASTY))
    parsed = Parser(html)
    plain = Parser(render(report_with("plain")))
    assert [tag for tag, _ in parsed.elements] == [tag for tag, _ in plain.elements]
    assert "script" not in {tag for tag, _ in parsed.elements}
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("src", "href", "style")]
    # All of it is there to be read.
    assert parsed.text.count(NASTY) == plain.text.count("plain") > 20


def test_nothing_is_loaded_and_the_policy_allows_the_style_alone():
    html = render(report_with("plain"))
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = [dict(attributes) for tag, attributes in Parser(html).elements if tag == "meta"][1]
    assert policy["content"] == f"default-src 'none'; style-src 'sha256-{digest}'"


def test_pictures_have_names_and_descriptions():
    html = render(report_with("plain"))
    pictures = re.findall(r"<svg [^>]*role=\"img\">\s*<title>.+?</title>\s*<desc>.+?</desc>", html)
    assert len(pictures) == html.count('role="img"') == 2
    assert html.count("<svg") - html.count('<svg class="bar"') == 2
    assert html.count("<caption>") == html.count("<table>") == 3  # One is that of the lines.


def test_the_same_report_is_the_same_text():
    assert render(report_with("a")) == render(report_with("a"))


@pytest.mark.parametrize(
    ("text", "shown"), [("a\0b\x1b[2J", "a\ufffdb\ufffd[2J"), ("\ud800", "\\ud800")]
)
def test_text_that_html_cannot_hold(text, shown):
    html = render(Report(text))
    assert f"<bdi>{shown}</bdi>" in html
    html.encode()


def test_a_report_of_nothing():
    html = render(Report("Nothing", sections=[Section("Empty", [])]))
    assert "Empty" not in html
    assert "<svg" not in render(Report("Nothing"))
    empty = [LineChart("Loss", "step", "", [Series("train", [])]), ScatterChart("F1", "n", "", [])]
    Parser(
        render(Report("No points", sections=[Section("Charts", [*empty, Table("t", ["a"], [])])]))
    )


def test_numbers():
    shown = [number(value) for value in (0.12345, 1234567, 0, "0.5", 1.0)]
    assert shown == ["0.123", "1,234,567", "0", "0.5", "1.000"]


def test_the_table_of_a_chart():
    chart = LineChart(
        "Loss",
        "step",
        "",
        [Series("train", [(10, 3.0), (20, 2.0)]), Series("valid", [(20, 2.5)]), Series("none", [])],
    )
    table = as_table(chart)
    assert table.columns == ["step", "train", "valid"]
    assert table.rows == [["10", 3.0, ""], ["20", 2.0, 2.5]]
    long = LineChart("Loss", "step", "", [Series("train", [(x, 1.0) for x in range(500)])])
    assert len(as_table(long).rows) == 200
    assert as_table(long).rows[-1] == ["499", 1.0]
