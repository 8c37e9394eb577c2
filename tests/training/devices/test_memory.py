"""Whether the process keeps what it frees: asked of the C library itself."""

import ctypes
import json
import platform
import subprocess
import sys

import pytest

from training.devices.memory import keep_freed_memory

PROGRAM = """
import ctypes, json, sys
from training.devices.memory import keep_freed_memory

library = ctypes.CDLL(None)
for function, given in (("malloc", ctypes.c_size_t), ("free", ctypes.c_void_p)):
    getattr(library, function).argtypes = [given]
library.malloc.restype = library.sbrk.restype = ctypes.c_void_p
kept = sys.argv[1] == "keep" and keep_freed_memory()
place = library.malloc(64 << 20)
library.free(place)
# The heap ends at sbrk(0); an array with pages of its own is elsewhere.
print(json.dumps({"kept": kept, "in_heap": place + (64 << 20) <= library.sbrk(0)}))
"""


def run(*arguments):
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library")
def test_a_large_array_that_is_freed_stays_in_the_heap():
    assert run("keep") == {"kept": True, "in_heap": True}
    assert run("return") == {"kept": False, "in_heap": False}


def test_other_systems_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()

    def load_named(name):
        raise TypeError("a name is needed (as on Windows)")

    monkeypatch.setattr(ctypes, "CDLL", load_named)
    assert not keep_freed_memory()
