"""A real browser, and a page in it."""

import shutil
from contextlib import contextmanager

import pytest

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
def open_on_a_phone(browser, address, locale="en-US"):
    """The page; fails where the browser complains."""
    page = browser.new_page(viewport={"width": 360, "height": 740}, locale=locale)
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
