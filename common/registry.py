"""Names for objects that are imported at their first use."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any


class Registry(Mapping[str, Any]):
    """Maps names to objects: `REGISTRY[name]` imports the object at its first use.

    So a table of all names costs no import of the objects.

        >>> tools = Registry(counter="collections:Counter")
        >>> tools["counter"].__name__
        'Counter'

    Args:
        **places: by name, in order: "module:attribute", or the object itself.
    """

    def __init__(self, **places: Any) -> None:
        self._places: dict[str, Any] = {}
        for name, place in places.items():
            self.register(name, place)

    def register(self, name: str, place_or_object: Any) -> None:
        """Adds an entry at the end.

        Args:
            name: the key.
            place_or_object: "module:attribute", imported at the first use, or the object itself.

        Raises:
            ValueError: the name is taken, or a place has no ":".
        """
        if name in self._places:
            raise ValueError(f"{name!r} is registered already")
        if isinstance(place_or_object, str) and ":" not in place_or_object:
            raise ValueError(f"a place is 'module:attribute'. Received: {place_or_object!r}")
        self._places[name] = place_or_object

    # Each equals itself alone: to compare the entries would import them all.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, name: str) -> Any:
        """The object of this name.

        Raises:
            KeyError: there is no such name; the message lists all names.
        """
        try:
            place = self._places[name]
        except KeyError:
            raise KeyError(f"{name!r} is none of {', '.join(self._places)}") from None
        if isinstance(place, str):
            module, attribute = place.split(":")
            place = self._places[name] = getattr(importlib.import_module(module), attribute)
        return place

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
