import pickle
from dataclasses import dataclass

import pytest

from common.errors import OptionError
from common.options import REQUIRED, Options, declarations, make_options, option
from common.registry import Registry


@dataclass(frozen=True)
class Sample(Options):
    """The sample"""

    source: str = option(REQUIRED, "the source", positional=True)
    overwrite: bool = option(False, "replace what is there")
    count: int = option(3, "how many", minimum=1)
    share: float = option(0.5, "which share", minimum=0, maximum=1)
    rate: float | None = option(None, "how fast", minimum=0)
    kind: str = option("a", "what kind", choices=("a", "b"))
    files: list[str] = option(["x", "y"], "which files")
    parts: list[str] = option(["a"], "which parts", choices=("a", "b"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "--count=0: must be at least 1."),
        ({"count": 1.0}, "--count=1.0: must be a whole number."),
        ({"count": True}, "--count=true: must be a whole number."),
        ({"count": None}, "--count=: must be a whole number."),
        ({"share": 1.5}, "--share=1.5: must be from 0 to 1."),
        ({"share": float("nan")}, "--share=nan: must be from 0 to 1."),
        ({"rate": float("inf")}, "--rate=inf: must be a finite number."),
        ({"rate": "1"}, "--rate=1: must be a number."),
        ({"overwrite": 1}, "--overwrite=1: must be true or false."),
        ({"kind": "c"}, "--kind=c: must be one of a, b."),
        ({"files": "x"}, "--files=x: must be a list of texts."),
        ({"files": ["x", 1]}, "--files=x,1: must be a list of texts."),
        ({"parts": ["a", "c"]}, "--parts=a,c: must be one or more of a, b, each at most once."),
        ({"parts": ["a", "a"]}, "--parts=a,a: must be one or more of a, b, each at most once."),
        ({"parts": []}, "--parts=: must be one or more of a, b, each at most once."),
    ],
)
def test_what_a_value_may_be(changes, message):
    with pytest.raises(OptionError) as caught:
        Sample("s", **changes)
    assert str(caught.value) == message
    with pytest.raises(OptionError):
        Sample("s").replace(**changes)


def test_values_that_can_be():
    options = Sample("s", count=1, share=1, rate=0, kind="b", files=[], parts=["b", "a"])
    assert options.to_dict() == {
        "source": "s",
        "overwrite": False,
        "count": 1,
        "share": 1,
        "rate": 0,
        "kind": "b",
        "files": [],
        "parts": ["b", "a"],
    }
    assert options.replace(rate=None) == Sample(
        "s", count=1, share=1, kind="b", files=[], parts=["b", "a"]
    )


def test_a_list_is_not_shared():
    first, second = Sample("s"), Sample("s")
    assert first.files == second.files
    assert first.files is not second.files


def test_declarations():
    known = declarations(Sample)
    assert list(known) == [
        "source", "overwrite", "count", "share", "rate", "kind", "files", "parts",
    ]  # fmt: skip
    kinds = [declaration.kind for declaration in known.values()]
    assert kinds == [str, bool, int, float, float, str, list, list]
    assert [name for name, declaration in known.items() if declaration.required] == ["source"]
    assert known["files"].default == ["x", "y"]


Made = make_options(
    "Made",
    {
        "width": (int | None, option(None, "how wide", minimum=1)),
        "shape": (str, option("round", "what shape", choices=("round", "square"))),
    },
    "The made ones",
    module=__name__,
)


def test_a_class_from_descriptions():
    assert Made(width=2).to_dict() == {"width": 2, "shape": "round"}
    assert Made.__doc__ == "The made ones"
    with pytest.raises(OptionError, match="--width=0: must be at least 1"):
        Made(width=0)

    @dataclass(frozen=True)
    class More(Made):
        """More"""

        depth: int = option(1, "how deep")

    assert More(width=3, depth=2).to_dict() == {"width": 3, "shape": "round", "depth": 2}


def test_options_can_be_pickled():
    # Test modules are not importable by their names, so the class is looked up by hand.
    assert (Made.__module__, Made.__qualname__) == (__name__, "Made")
    assert pickle.loads(pickle.dumps(Options())) == Options()


SHAPES = Registry(round="builtins:object")


@dataclass(frozen=True)
class ThickOptions(Options):
    """Thick"""

    width: int = option(1, "how thick", minimum=1)


@dataclass(frozen=True)
class ShapeOptions(Options):
    """Shapes"""

    shape: str = option("round", "which one", choices=SHAPES)

    choosers = ("shape",)

    @classmethod
    def further_groups(cls, values):
        return (*super().further_groups(values), *([ThickOptions] * (values["shape"] != "round")))


def test_choices_may_grow():
    with pytest.raises(OptionError, match="--shape=square: must be one of round"):
        ShapeOptions(shape="square")
    SHAPES.register("square", object())
    assert ShapeOptions(shape="square").shape == "square"


def test_an_instance_has_the_further_options_of_its_values():
    if "square" not in SHAPES:
        SHAPES.register("square", object())
    options = ShapeOptions(shape="square", width=3)
    assert isinstance(options, ShapeOptions) and isinstance(options, ThickOptions)
    assert options.to_dict() == {"shape": "square", "width": 3}
    assert options == ShapeOptions(shape="square").replace(width=3)
    assert pickle.loads(pickle.dumps(options)) == options
    assert ShapeOptions().to_dict() == {"shape": "round"}
    with pytest.raises(OptionError, match="--width=0: must be at least 1"):
        ShapeOptions(shape="square", width=0)
    with pytest.raises(TypeError, match="width"):
        ShapeOptions(width=1)
    assert list(declarations(ShapeOptions.complete({"shape": "square"}))) == ["width", "shape"]
