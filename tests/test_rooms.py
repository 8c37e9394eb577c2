"""The rooms of the house and the one-way imports between them, read from the source."""

import ast
from pathlib import Path

import pytest

from tasks.registry import PRETRAINED_TASKS, TASKS

ROOT = Path(__file__).parents[1]

# Each room and the rooms that it may import: docs/architecture.md shows the same order.
ROOMS = {
    "common": set(),
    "data_util": {"common"},
    "models": {"common"},
    "reports": {"common"},
    "tasks": {"common", "data_util", "models", "reports"},
    "training": {"common", "data_util", "models", "reports", "tasks"},
    "conversion": {"common", "data_util", "models", "tasks", "training"},
    "serving": {"common", "data_util", "models", "tasks", "training"},
    "bert_language_understanding": {"common", "data_util", "models", "tasks", "training"},
    "scripts": {"common", "conversion", "training", "serving"},
    "benchmarks": {
        "common", "data_util", "models", "reports", "tasks", "training", "conversion", "serving",
        "scripts",
    },
}  # fmt: skip
SCRIPTS = (
    "train_bert_lm.py", "train_bert_fine_tuning.py", "train_transform.py", "predict.py",
    "evaluate.py", "serve.py", "similar.py",
    "language_model.py",
)  # fmt: skip
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
# Too large, or too slow to import, for a program that only gives results.
HEAVY = FRAMEWORKS | {"h5py", "jinja2", "pandas", "scipy", "sklearn", "transformers"}
MAX_LINES = 300


def files_of(room):
    """Those of a room, or of the folder `tests`."""
    if room == "scripts":
        return [ROOT / name for name in SCRIPTS]
    return sorted((ROOT / room).rglob("*.py"))


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path, *, at_top=False):
    """The modules that a file imports, within functions too; those of its package by full name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _top_level(tree) if at_top else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def _top_level(tree):
    """What is executed on import: not the bodies of functions, nor what is for type checkers."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def room_of(module):
    first = module.partition(".")[0]
    return "scripts" if f"{first}.py" in SCRIPTS else first


def strings_of(path):
    """Texts such as "models.backbones.text_cnn:TextCNN", by which registries import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            module, colon, attribute = node.value.partition(":")
            if colon and attribute.isidentifier() and module.replace(".", "_").isidentifier():
                yield module


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room):
    allowed = ROOMS[room] | {room}
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files_of(room)
        for module in (*imports_of(path), *strings_of(path))
        if room_of(module) in ROOMS and room_of(module) not in allowed
    ]
    assert not wrong


def test_every_package_is_a_room():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} == set(ROOMS) - {"scripts"}


def all_modules():
    return {module_of(path): path for room in ROOMS for path in files_of(room)}


def own_imports(name, modules):
    """Those of `modules` that one of them imports when it is imported itself."""
    found = set()
    for target in imports_of(modules[name], at_top=True):
        # `from package import module` names a module; `from module import name` does not.
        found.add(target if target in modules else target.rpartition(".")[0])
    return found & set(modules)


def test_no_circle():
    modules = all_modules()
    graph = {name: own_imports(name, modules) - {name} for name in modules}
    done, path = set(), []

    def visit(name):
        assert name not in path, f"a circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name in done:
            return
        path.append(name)
        for target in sorted(graph[name]):
            visit(target)
        path.pop()
        done.add(name)

    for name in graph:
        visit(name)


@pytest.mark.parametrize("room", ["common", "data_util"])
def test_no_framework_where_workers_start(room):
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files_of(room)
        for module in imports_of(path)
        if room_of(module) in FRAMEWORKS
    ]
    assert not wrong


# What gives results: the tasks (not those that other tests register), and what loads them.
LIGHT = {
    *(module for name in TASKS if room_of(module := TASKS[name].__module__) == "tasks"),
    *(PRETRAINED_TASKS[name].__module__ for name in PRETRAINED_TASKS),
    *("tasks.loading", "conversion.exported_predictor", "training.prediction", "serving.server"),
    *("predict", "serve"),
}


@pytest.mark.parametrize("module", sorted(LIGHT))
def test_results_need_no_framework(module):
    """What trains and measures is imported by the methods that do so: see `tasks.base`."""
    modules, found, waiting = all_modules(), {}, [(module, module)]
    while waiting:
        name, way = waiting.pop()
        if name in found:
            continue
        found[name] = way
        waiting += [(other, f"{way} -> {other}") for other in own_imports(name, modules)]
    wrong = [
        f"{way} imports {imported}"
        for name, way in found.items()
        for imported in imports_of(modules[name], at_top=True)
        if room_of(imported) in HEAVY
    ]
    assert not wrong


def test_models_ask_for_a_backend_in_kernels_alone():
    for path in files_of("models"):
        if path.parent.name == "kernels":
            continue
        frameworks = {room_of(module) for module in imports_of(path)} & FRAMEWORKS
        assert frameworks <= {"keras"}, path
        assert "backend.backend(" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_files_are_short(room):
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in files_of(room)
        if (lines := path.read_text(encoding="utf-8").count("\n")) >= MAX_LINES
    ]
    assert not long


def test_the_tests_mirror_the_rooms():
    """A test file in a room's folder tests a file, or a folder, of the same name.

    What is too much for one file of tests is in `test_<file>_<what>.py`, too. Others test a
    property of several files: what every entry of a registry must be, other backends, half
    precision, resumed runs.
    """
    special = {"test_contract", "test_jax", "test_precision", "test_resume"}
    for room in set(ROOMS) - {"scripts"}:
        for path in sorted((ROOT / "tests" / room).rglob("test_*.py")):
            beside = ROOT / path.relative_to(ROOT / "tests").parent
            words = path.stem.split("_")
            beginnings = {"_".join(words[:count]) for count in range(2, len(words) + 1)}
            names = {f"test_{one.stem}" for one in beside.glob("*")} | special
            assert beginnings & names, f"{path.relative_to(ROOT)} tests no such file"
