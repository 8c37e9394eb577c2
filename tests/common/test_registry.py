import sys
from collections import Counter

import pytest

from common.registry import Registry


def test_an_entry_is_imported_when_it_is_asked_for():
    sys.modules.pop("this", None)
    registry = Registry(zen="this:s", counter="collections:Counter")
    assert list(registry) == ["zen", "counter"] and len(registry) == 2
    assert "zen" in registry and "nothing" not in registry
    assert registry["counter"] is Counter
    assert "this" not in sys.modules
    assert isinstance(registry["zen"], str) and "this" in sys.modules


def test_names_can_be_added():
    registry = Registry(counter="collections:Counter")
    registry.register("mine", Counter)
    registry.register("other", "collections:OrderedDict")
    assert list(registry) == ["counter", "mine", "other"]
    assert registry["mine"] is Counter
    assert registry["other"].__name__ == "OrderedDict"


def test_a_registry_equals_itself_alone():
    registry, same = Registry(counter="collections:Counter"), Registry(counter="no_such:module")
    assert registry == registry and registry != same
    assert len({registry, same}) == 2


def test_wrong_names_and_places_are_clear_errors():
    registry = Registry(one="collections:Counter", two="collections:Counter")
    with pytest.raises(KeyError, match="'three' is none of one, two"):
        registry["three"]
    assert registry.get("three") is None
    with pytest.raises(ValueError, match="'one' is registered already"):
        registry.register("one", Counter)
    with pytest.raises(ValueError, match="'module:attribute'"):
        registry.register("four", "collections.Counter")
