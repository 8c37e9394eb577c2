"""Runs a test for every task of the registry, and for the toy."""

import pytest

from tasks.registry import TASKS
from tests import toys

with toys.registered():
    tasks = pytest.mark.parametrize("name", list(TASKS))
