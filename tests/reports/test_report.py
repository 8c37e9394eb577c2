"""The report in a real browser: `reports/report.html` with `reports/report.css`."""

import pytest

from reports.rendering import render
from tests.reports.test_rendering import NASTY, report_with


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(browser, tmp_path, scheme):
    path = tmp_path / "report.html"
    path.write_text(render(report_with(NASTY * 5)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 254, 251)", "dark": "rgb(22, 24, 27)"}[scheme]
    assert (said, asked) == ([], [path.as_uri()])
    page.close()
