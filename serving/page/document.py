"""Puts the page together, and adds it to the service."""

import base64
import dataclasses
import hashlib
import html
import json
import re
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from tasks.base import Task

FOLDER = Path(__file__).parent
# In the page, a comment with the names of files stands for their content; the name of a folder, for
# all its files: a few for each kind of result, one for each language.
_INCLUDED = re.compile(r"/\* ([\w., ]+) \*/(?=</(style|script)>)|<!-- (results) -->\n")
_ENDINGS = {"style": "css", "script": "js", None: "html"}
_TASK = re.compile(r"(?<=<body data-task=)'[^']*'")


def add_page(app: FastAPI, task: Task) -> None:
    """Adds the page at `/`, which loads nothing: style and script are in it.

    What it shows follows from the fields of an input and from what a result holds.

    Args:
        app: the service.
        task: of the checkpoint.
    """
    page = page_of(task)
    headers = {
        "Content-Security-Policy": _policy(page),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    @app.get("/", include_in_schema=False)
    async def form() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)


def page_of(task: Task) -> str:
    """The page for a task."""
    described = {
        "fields": {name: "text" if kind is str else "texts" for name, kind in task.fields.items()},
        "result": [field.name for field in dataclasses.fields(task.result_type)],
        "optional": list(task.defaults),
        "explains": task.explains,
    }
    attribute = html.escape(json.dumps(described))
    return _TASK.sub(lambda match: f'"{attribute}"', page_source())


def page_source() -> str:
    """The page for labels of single texts, with its style and its script."""

    def content(match: re.Match[str]) -> str:
        ending = _ENDINGS[match[2]]
        names: list[str] = []
        for name in (match[1] or match[3]).split(", "):
            found = sorted(path.name for path in (FOLDER / name).glob(f"*.{ending}"))
            names += [f"{name}/{each}" for each in found] if (FOLDER / name).is_dir() else [name]
        return ("\n" if match[2] else "") + "".join(map(_read, names))

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
