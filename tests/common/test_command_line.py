import io
import logging
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.command_line import command_of, start_log
from common.options import Options, option
from common.parsing import parse_options

ROOT = Path(__file__).parents[2]
BEGINNING = """
    import errno, os, signal, sys
    from dataclasses import dataclass
    from common.command_line import run
    from common.errors import *
    from common.options import Options, option

    @dataclass(frozen=True)
    class Some(Options):
        '''Some'''

        number: int = option(1, "a number", minimum=1)

    def main(options):
"""


@pytest.fixture
def command(tmp_path):
    """A command with this body, run by a shell as in `{} | head`: the finished process."""

    def act(body, line="{}"):
        script = tmp_path / "some.py"
        main = textwrap.indent(textwrap.dedent(body), " " * 4)
        end = 'if __name__ == "__main__":\n    run(main, Some, "Does something.")\n'
        script.write_text(f"{textwrap.dedent(BEGINNING)}\n{main}\n{end}")
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line.format(f'{sys.executable} {script}')}"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return act


def seen(done):
    return done.returncode, done.stdout, done.stderr


def test_options_and_output(command):
    assert seen(command("print(options.number)", "{} --number 7")) == (0, "7\n", "")


def test_help(command):
    status, out, err = seen(command("raise SystemExit(3)", "{} --number=0 --help"))
    assert (status, err) == (0, "")
    assert out.startswith("usage: python some.py [--option=value ...]\n\nDoes something.\n")


@pytest.mark.parametrize(
    ("body", "status", "err"),
    [
        ("raise InputError('wrong', 'a.txt', 3)", 2, "error: a.txt:3: wrong\n"),
        (r"raise InputError('\x1b[2J\u202e 盗窃')", 2, "error: \\x1b[2J\\u202e 盗窃\n"),
        ("raise ConfigError('too large')", 2, "error: too large\n"),
        ("raise TrainingError('diverged')", 2, "error: diverged\n"),
        ("open('/none/a.txt')", 2, "error: /none/a.txt: No such file or directory\n"),
        ("os.rename('/none/a', '/b')", 2, "error: /none/a -> /b: No such file or directory\n"),
        ("os.write(99, b'')", 2, "error: Bad file descriptor\n"),
        ("raise OSError('no such host')", 2, "error: no such host\n"),
        ("raise BrokenPipeError(errno.EPIPE, 'Broken pipe')", 2, "error: Broken pipe\n"),
        ("raise KeyboardInterrupt", 130, "stopped.\n"),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143, "stopped by SIGTERM\n"),
        ("raise StoppedError(signal.SIGINT, 'resume')", 130, "stopped by Ctrl-C: resume\n"),
        ("sys.exit(1)", 1, ""),
    ],
)
def test_the_end_of_a_command(command, body, status, err):
    assert seen(command(body)) == (status, "", err)


def test_a_mistake_in_the_options(command):
    done = command("pass", "{} --number=0")
    assert seen(done) == (2, "", "error: --number=0: must be at least 1.\n")


def test_a_defect_keeps_its_trace(command):
    done = command("raise ValueError('a defect')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


LINES = "for number in range(100_000): print(number)"


@pytest.mark.parametrize("line", ["{} | head -n 1", "{} --help | true", "{} 2>&1 | head -n 1"])
def test_a_reader_that_has_seen_enough(command, line):
    for body in (LINES, "print(0)"):
        done = command(body, line)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_pipe_that_is_not_standard_output_is_an_error(command):
    # Ctrl-C ends the reader of `2>&1 | tee log`, too.
    body = "import time; time.sleep(0.5); os.write(2, b'stopping')"
    assert command(body, "{} 2>&1 | true").returncode == 2
    body = """
        read, write = os.pipe()
        os.close(read)
        print(0)
        os.write(write, b"to another process")
    """
    assert command(body, "{} | true").returncode == 2


def test_a_status_is_kept_where_nobody_reads(command):
    body = f"""
        try:
            {LINES}
        finally:
            sys.exit(1)
    """
    assert seen(command(body, "{} | head -n 1")) == (1, "0\n", "")


def test_a_log_that_nobody_reads(command):
    body = """
        import logging
        for number in range(100_000): logging.info(number)
        print("done")
    """
    assert seen(command(body, "{} 2> >(head -n 1 >&2)")) == (0, "done\n", "0\n")


def test_output_that_cannot_be_written(command):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = command(LINES, "{} > /dev/full")
    assert seen(done) == (2, "", "error: stdout: No space left on device\n")
    done = command("print(0)", "{} > /dev/full")
    assert seen(done) == (2, "", "error: stdout: No space left on device\n")


def test_closed_streams(command):
    assert seen(command("print(0)", "{} <&-")) == (0, "0\n", "")
    assert seen(command("print(0)", "{} 2>&-")) == (0, "0\n", "")
    assert seen(command("raise InputError('a')", "{} 2>&-")) == (2, "", "")
    assert seen(command("print(0)", "{} >&-")) == (2, "", "error: stdout: is closed\n")
    assert seen(command("pass", "{} >&-")) == (0, "", "")
    done = command("sys.stdin.read()", "{} <&-")
    assert seen(done) == (2, "", "error: stdin: is closed\n")


def test_a_file_never_takes_the_number_of_a_closed_stream(command, tmp_path):
    body = f"""
        with open({str(tmp_path / "checkpoint")!r}, "wb") as file:
            sys.exit(file.fileno())
    """
    assert command(body, "{} <&- >&- 2>&-").returncode > 2


def test_the_handler_of_the_caller_comes_back():
    from common.command_line import exit_on_user_error

    before = signal.getsignal(signal.SIGTERM)
    with exit_on_user_error():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_that_gives_the_same_options(monkeypatch):
    @dataclass(frozen=True)
    class Some(Options):
        """Some"""

        files: list[str] = option(["a.txt"], "files")
        name: str = option("", "a name")
        fast: bool = option(False, "fast")
        rate: float | None = option(None, "a rate")
        overwrite: bool = option(False, "replace")

    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)
    monkeypatch.setattr(sys, "argv", ["/some/where/run.py", "--whatever"])
    assert command_of(Some()) == "python run.py"
    options = Some(files=["a b.txt", "c;.txt"], fast=True, rate=0.5, overwrite=True)
    command = command_of(options)
    assert command == "python run.py '--files=a b.txt,c;.txt' --fast=true --rate=0.5"
    parsed, _ = parse_options(Some, shlex.split(command)[2:])
    assert parsed == options.replace(overwrite=False)


def test_control_characters_in_messages_do_nothing_to_the_terminal(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(logging, "root", logging.RootLogger(logging.WARNING))
    start_log()
    logging.root.info("the label %s\tof 3", "盗窃\x1b[2J\u202e\r")
    assert stream.getvalue() == "the label 盗窃\\x1b[2J\\u202e\\r\tof 3\n"
