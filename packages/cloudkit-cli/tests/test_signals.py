"""Ctrl-C, and SIGTERM: the command ends in good order, and leaves nothing half-written."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from cloudkit.prelude import CloudKit

COMMAND = Path(sys.executable).with_name("cloudkit")
MIB = 1024 * 1024
BUCKET = "local://photos"


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def unfinished(folder: Path) -> list[str]:
    """Keys of the uploads that were begun and not ended."""

    async def ask() -> list[str]:
        async with CloudKit.local(path=folder) as cloud:
            return [upload.key async for upload in cloud.storage.list_uploads("photos")]

    return anyio.run(ask)


@pytest.fixture
def large(cli, tmp_path: Path) -> Path:
    """A file, and an object of the same content."""
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(MIB) * 64)
    cli("mb", BUCKET)
    cli("cp", path, f"{BUCKET}/large.bin")
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_download_leaves_the_file_that_was_there(start, large, tmp_path, number: int) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "large.bin").write_bytes(b"old")
    options = ("--parts", "1", "--part-size", "16k")  # thousands of reads: time to be interrupted
    process = start("cp", *options, f"{BUCKET}/large.bin", target)
    wait_until(lambda: process.ended or list(target.glob(".large.bin.*.part")))
    assert not process.ended, process.process.communicate()
    assert process.interrupt(number) == 128 + number
    assert files(target) == ["large.bin"]
    assert (target / "large.bin").read_bytes() == b"old"


def test_an_upload_leaves_the_object_that_was_there(cli, folder) -> None:
    cli("mb", BUCKET)
    source = folder.parent / "old"
    source.write_bytes(b"old")
    cli("cp", source, f"{BUCKET}/object")
    before = files(folder / "objects") if (folder / "objects").is_dir() else files(folder)
    # Its source never ends: it is in the middle for sure.
    process = subprocess.Popen(
        [COMMAND, "cp", "--part-size", "5m", "-", f"{BUCKET}/object"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(b"x" * (12 * MIB))
    process.stdin.flush()
    wait_until(lambda: unfinished(folder) == ["object"])
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    assert process.returncode == 130
    process.stdin.close()
    assert process.stderr is not None
    process.stderr.close()
    assert unfinished(folder) == []
    assert cli("cat", f"{BUCKET}/object").out == "old"
    after = files(folder / "objects") if (folder / "objects").is_dir() else files(folder)
    assert [name for name in after if name not in before and "sqlite" not in name] == []


def test_of_many_files_those_that_are_there_are_whole(start, cli, tmp_path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for number in range(400):
        (source / f"{number}").write_bytes(b"%d" % number * 1000)
    cli("mb", BUCKET)
    cli("cp", "-r", source, BUCKET)
    process = start("cp", "-r", "-j", "2", BUCKET, target)
    wait_until(lambda: target.is_dir() and len(list(target.iterdir())) > 5)
    assert process.interrupt() == 130
    found = list(target.iterdir())
    assert found
    for path in found:
        assert path.read_bytes() == b"%d" % int(path.name) * 1000
    cli("cp", "-ru", BUCKET, target)
    assert sorted(files(target)) == sorted(files(source))


def test_a_subscription_is_left(start, cli) -> None:
    process = start("subscribe", "--create", "local:news/mine", "--json")
    wait_until(lambda: cli_knows(cli))
    cli("publish", "local:news", "hello")
    assert process.line()["body"] == "hello"
    assert process.interrupt() == 130
    assert cli("subscribe", "local:news/mine", "--wait", "0").out == ""


@pytest.fixture
def hanging(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the command, and gives it when the pipe is full that nobody reads from."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE))
        wait_until_full(started[-1])
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=30)


def wait_until_full(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    descriptor, before = process.stdout.fileno(), -1

    def full() -> bool:
        nonlocal before
        held = int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
        before, grown = held, held > before
        return held > 4096 and not grown

    wait_until(full)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reader_that_does_not_read_holds_nothing_up(hanging, large, number: int) -> None:
    process = hanging("cat", f"{BUCKET}/large.bin")
    process.send_signal(number)
    assert process.wait(timeout=30) == 128 + number


def test_a_second_signal_ends_what_hangs(hanging, cli) -> None:
    cli("queue", "create", "local:orders")
    source = Path("large")
    source.write_bytes(b"x" * 200_000)
    cli("queue", "send", "local:orders", f"@{source}")
    process = hanging("queue", "receive", "local:orders")

    def ends() -> bool:
        process.send_signal(signal.SIGINT)  # the first alone lets it finish its line
        return process.poll() is not None

    wait_until(ends)
    assert process.returncode == -signal.SIGINT


def cli_knows(cli) -> bool:
    try:
        cli("subscribe", "local:news/mine", "--wait", "0")
    except AssertionError:
        return False
    return True
