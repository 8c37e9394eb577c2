"""Puts the page together, and adds it to the service."""

import base64
import hashlib
import re
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

FOLDER = Path(__file__).parent
# In the page, a comment with the names of files stands for their content.
_INCLUDED = re.compile(r"/\* ([\w., ]+) \*/(?=</(?:style|script)>)")


def add_page(app: FastAPI, texts: int) -> None:
    """Adds the page at `/`, which loads nothing: style and script are in it.

    Args:
        app: the service.
        texts: how many texts an input has: 2 for pairs.
    """
    page = page_source().replace('<body data-texts="1">', f'<body data-texts="{texts}">')
    headers = {
        "Content-Security-Policy": _policy(page),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    @app.get("/", include_in_schema=False)
    async def form() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)


def page_source() -> str:
    """The page for single texts, with its style and its script."""

    def content(match: re.Match[str]) -> str:
        return "\n" + "".join(_read(name) for name in match[1].split(", "))

    return _INCLUDED.sub(content, _read("page.html"))


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _policy(page: str) -> str:
    """Allows the page's own script and style and nothing else."""

    def hashes(tag: str) -> str:
        contents = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digests = [hashlib.sha256(content.encode()).digest() for content in contents]
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
