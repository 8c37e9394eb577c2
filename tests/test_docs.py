"""What the pages say of the code: the examples in docs/architecture.md, and the names in all."""

import dataclasses
import re
from pathlib import Path

import pytest

from training.options.scripts import FineTuningOptions

ROOT = Path(__file__).parents[1]
EXAMPLES = re.findall(
    r"<!-- (toy_[\w/]+) -->\n```python\n(.*?)```\n<!-- /\1 -->",
    (ROOT / "docs/architecture.md").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTIONS = {field.name for field in dataclasses.fields(FineTuningOptions)}
SOURCES = [each.read_text(encoding="utf-8") for each in (ROOT / "tests").rglob("test_*.py")]


def test_every_toy_is_shown():
    toys = ROOT / "tests/toys"
    files = {str(path.relative_to(toys).with_suffix("")) for path in toys.rglob("toy_*.py")}
    task = {f"toy_task/{path.stem}" for path in (toys / "toy_task").glob("[a-z]*.py")}
    assert sorted(name for name, _ in EXAMPLES) == sorted(files | task)


@pytest.mark.parametrize(("name", "shown"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_the_code_that_is_tested(name, shown):
    code = (ROOT / f"tests/toys/{name}.py").read_text(encoding="utf-8")
    assert shown == code, f"copy tests/toys/{name}.py to docs/architecture.md"


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_what_a_page_names_is_there(page):
    """Python files, `tests/file.py::test_name`, and the names of tests, whole or with "..."."""
    text = page.read_text(encoding="utf-8")
    for file in re.findall(r"`((?:\w+/)+\w+\.py)\b", text):
        assert (ROOT / file).is_file(), file
    tests = r"`((?:\w+/)+test_\w+\.py)?(?:::)?(test_\w+)(\.\.\.)?`"
    for file, name, shortened in re.findall(tests, text):
        if name in OPTIONS:
            continue
        sources = [(ROOT / file).read_text(encoding="utf-8")] if file else SOURCES
        start = f"\ndef {name}" if shortened else f"\ndef {name}("
        assert any(start in source for source in sources), f"{file}::{name}"
