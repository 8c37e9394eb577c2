"""The examples in docs/architecture.md are the toys of the tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = re.findall(
    r"<!-- (toy_[\w/]+) -->\n```python\n(.*?)```\n<!-- /\1 -->",
    (ROOT / "docs/architecture.md").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)


def test_every_toy_is_shown():
    toys = ROOT / "tests/toys"
    files = {str(path.relative_to(toys).with_suffix("")) for path in toys.rglob("toy_*.py")}
    task = {f"toy_task/{path.stem}" for path in (toys / "toy_task").glob("[a-z]*.py")}
    assert sorted(name for name, _ in EXAMPLES) == sorted(files | task)


@pytest.mark.parametrize(("name", "shown"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_the_code_that_is_tested(name, shown):
    code = (ROOT / f"tests/toys/{name}.py").read_text(encoding="utf-8")
    assert shown == code, f"copy tests/toys/{name}.py to docs/architecture.md"
