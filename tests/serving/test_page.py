"""The page, in a real browser."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "serving" / "page.html"
NEEDED = "playwright (pip) and chromium (apt) are needed"
EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TEXT = "<img src=x onerror=alert(1)> 😀 被告人盗窃手机。"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason=NEEDED)
    if EXECUTABLE is None:
        pytest.skip(NEEDED)
    with playwright.sync_playwright() as driver:
        # It makes itself a new profile.
        browser = driver.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def open_on_a_phone(browser, address):
    """The page; fails where the browser complains."""
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.set_default_timeout(60_000)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    page.close()


@pytest.fixture
def page(browser, running):
    with open_on_a_phone(browser, running[0]) as page:
        yield page


@pytest.fixture
def page_of_pairs(browser, running_on_pairs):
    with open_on_a_phone(browser, running_on_pairs[0]) as page:
        yield page


def test_from_a_text_to_its_labels_and_why(page):
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Label it").click()
    page.locator("#marked mark").first.wait_for()
    buttons = page.locator("#labels button")
    assert buttons.count() == 3
    assert sorted(page.locator("#labels .name").all_text_contents()) == sorted(
        ["盗窃", "故意伤害", "诈骗"]
    )
    for index in range(3):
        width = buttons.nth(index).locator(".bar").evaluate("bar => parseFloat(bar.style.width)")
        shown = re.search(r"([\d.]+) %", buttons.nth(index).text_content())
        assert width == pytest.approx(float(shown[1]), abs=0.06)
    # The text as it was given, as text.
    assert page.locator("#marked").text_content() == TEXT
    assert page.locator("img").count() == 0
    marks = page.locator("#marked mark").all_text_contents()
    assert "".join(marks) == "".join(TEXT.split())
    assert page.locator("#marked mark[style]").count() > 0
    # Another label by keyboard alone.
    buttons.nth(1).focus()
    page.keyboard.press("Enter")
    page.locator("#labels li:nth-child(2) button[aria-pressed=true]").wait_for()
    name = page.locator("#labels .name").nth(1).text_content()
    page.get_by_role("heading", name=name).wait_for()


def test_from_two_texts_to_their_labels_and_why(page_of_pairs):
    page, texts = page_of_pairs, ("甲天<b>地 😀", "甲 人")
    assert page.title() == "Labels of two texts"
    page.get_by_role("textbox", name="First text").fill(texts[0])
    page.get_by_role("button", name="Label it").click()
    assert page.get_by_role("status").text_content() == "It takes two texts."
    assert page.evaluate("document.activeElement.id") == "text-b"
    page.keyboard.type(texts[1])
    page.keyboard.press("Control+Enter")
    page.locator("#marked mark").first.wait_for()
    assert sorted(page.locator("#labels .name").all_text_contents()) == ["different", "same"]
    for box, text in zip(("#marked", "#marked-b"), texts, strict=True):
        assert page.locator(box).text_content() == text
        marks = page.locator(f"{box} mark").all_text_contents()
        assert "".join(marks) == "".join(text.split())
    assert page.locator("#marked-b mark[style]").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    # Behind the 13 tokens that both may have together, the longer text is crossed out.
    page.get_by_role("textbox", name="First text").fill("地" * 30)
    page.get_by_role("button", name="Label it").click()
    page.get_by_text("too long to be read").wait_for()
    assert page.locator("#marked .cut").text_content() == "地" * (30 - 11)
    assert page.locator("#marked-b .cut").count() == 0


def test_one_text_has_one_box(page):
    assert page.get_by_role("textbox").count() == 1
    assert page.title() == "Labels of a text"


def test_it_fits_on_a_phone(page):
    page.get_by_label("Text", exact=True).fill("w" * 190)
    page.keyboard.press("Control+Enter")
    page.locator("#marked mark").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert all(
        box["height"] >= 44 for box in (b.bounding_box() for b in page.get_by_role("button").all())
    )


def test_no_text_and_too_much(page):
    page.get_by_role("button", name="Label it").click()
    assert page.get_by_role("status").text_content() == "There is no text yet."
    assert page.evaluate("document.activeElement.id") == "text"


def test_what_the_service_refuses_is_said(browser, running):
    page = browser.new_page()
    page.goto(running[0])
    page.get_by_label("Text", exact=True).fill("长" * 201)
    page.get_by_role("button", name="Label it").click()
    page.get_by_text("at most 200 characters").wait_for()
    assert page.locator("#answer").is_hidden()
    page.close()


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast():
    # WCAG 2.2 AA: 4.5 for text, 3 for the parts of a control; in the light and the dark scheme.
    schemes = re.findall(r":root \{(.*?)\}", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6});", scheme))
        for text in ("ink", "soft", "bad", "accent"):
            assert contrast(colours[text], colours["paper"]) >= 4.5
        assert contrast(colours["ink"], colours["field"]) >= 4.5
        assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
        assert contrast(colours["line"], colours["paper"]) >= 3
        assert contrast(colours["bar"], colours["track"]) >= 3


def test_nothing_is_loaded_or_written_as_html():
    text = PAGE.read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"):
        assert word not in text
    for word in ("http:", "https:", "//cdn", "@import", "url("):
        assert word not in text
