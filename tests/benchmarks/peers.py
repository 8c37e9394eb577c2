"""Which tests need the libraries that the benchmarks compare with."""

import importlib.util

import pytest

needs_peers = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "transformers", "keras_hub"))),
    reason="a library to compare with is not installed",
)
