"""What is shown on a terminal, and what is not shown elsewhere."""

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("cloudkit")
MIB = 1024 * 1024


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """The exit code, and all that a terminal was sent."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    sent = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        sent += piece
    os.close(ours)
    return process.wait(timeout=60), sent.decode()


@pytest.fixture
def files(cli, tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(5):
        (source / str(number)).write_bytes(b"x" * 10 * MIB)
    cli("mb", "local://photos")
    return source


def test_a_bar_with_rate_and_time(files) -> None:
    code, sent = on_a_terminal("cp", "-r", str(files), "local://photos")
    assert code == 0
    assert "\x1b[" in sent
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent)
    assert "5/5 files" in plain
    assert "50.0/50.0 MiB" in plain
    assert re.search(r"[\d.]+ (B|KiB|MiB|GiB)/s", plain)
    assert re.search(r"\d:\d\d:\d\d", plain)
    assert "copied 5, 50.0 MiB" in plain


def test_the_bar_of_one_object_knows_its_size(cli, files, tmp_path) -> None:
    cli("cp", files / "0", "local://photos/one")
    arguments = ("--parts", "1", "--part-size", "64k", "local://photos/one", str(tmp_path / "one"))
    code, sent = on_a_terminal("cp", *arguments)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent)
    assert "10.0/10.0 MiB" in plain
    assert set(re.findall(r"[\d.]+/([\d.]+) MiB", plain)) == {"10.0"}


def test_no_bar_when_it_is_not_wanted(files) -> None:
    code, sent = on_a_terminal("cp", "-r", "--no-progress", str(files), "local://photos")
    assert code == 0
    assert "\x1b" not in sent


def test_no_bar_into_a_pipe(installed, files) -> None:
    ended = installed("cp", "-r", files, "local://photos")
    assert ended.out == ""
    assert re.fullmatch(r"copied 5, 50\.0 MiB, [\d.]+ s\n", ended.err)


def test_tables_on_a_terminal_and_in_a_pipe(installed, folder) -> None:
    code, sent = on_a_terminal("providers")
    assert code == 0
    assert "─" in sent
    assert "local" in sent
    lines = installed("providers").out.splitlines()
    assert lines[0].split("\t") == ["provider", "installed", "version", "distribution"]
