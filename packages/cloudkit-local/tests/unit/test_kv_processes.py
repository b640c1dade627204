"""Documents under several processes, and under processes that are killed."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from cloudkit.api.kv import Item
from cloudkit.local import LocalCloud

PROGRAM = Path(__file__).parent.parent / "programs" / "kv_writer.py"
COUNTER = ("counter", "all")
TASKS = 4


@pytest.fixture
def folder(tmp_path):
    async def prepare() -> None:
        async with LocalCloud(path=tmp_path) as cloud:
            await cloud.kv.create_table("items", sort_key="sk")
            await cloud.kv.put("items", COUNTER, {"n": 0})

    anyio.run(prepare)
    return tmp_path


@pytest.fixture
def start(folder):
    started: list[subprocess.Popen[str]] = []

    def begin(name: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(PROGRAM), str(folder), name, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def read_everything(folder: Path) -> dict[str, dict[str, Item]]:
    """All items, by partition and sort key."""

    async def scan() -> dict[str, dict[str, Item]]:
        found: dict[str, dict[str, Item]] = {}
        async with LocalCloud(path=folder) as cloud:
            async for item in cloud.kv.scan("items"):
                found.setdefault(item.key.partition, {})[item.key.sort or ""] = item
        return found

    return anyio.run(scan)


def killed_after(process: subprocess.Popen[str], lines: int) -> list[str]:
    """Kill a process that has acknowledged so many writes; returns all that it acknowledged."""
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += process.stdout.readlines()
    process.wait()
    return [line.rstrip("\n") for line in said if line.endswith("\n")]


def test_what_was_acknowledged_survives_a_kill(folder, start):
    counted = 0
    names = [f"w{number}" for number in range(6)]
    said: dict[str, list[str]] = {}
    for first, second in zip(names[::2], names[1::2], strict=True):
        processes = [(name, start(name, TASKS)) for name in (first, second)]
        for name, process in processes:
            said[name] = killed_after(process, random.randint(1, 150))
            assert process.returncode < 0
    stored = read_everything(folder)
    for name, lines in said.items():
        put = {f"{int(line[4:]):06}" for line in lines if line.startswith("put ")}
        pairs = {f"{int(line[5:]):06}" for line in lines if line.startswith("pair ")}
        assert put
        assert put <= stored[name].keys()
        assert all(item["n"] == int(key) for key, item in stored[name].items())
        left, right = (stored.get(f"{name}-{side}", {}) for side in ("left", "right"))
        assert pairs <= left.keys()
        assert left.keys() == right.keys()  # a transaction is there whole or not at all
        counted += lines.count("count")
    # What was carried out, but killed before it could say so, may be there too.
    total = stored["counter"]["all"]["n"]
    assert counted <= total <= counted + TASKS * len(names)


def test_processes_that_count_together_lose_nothing(folder, start):
    processes = [start(name, TASKS, 100) for name in ("one", "two")]
    for process in processes:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert said.split() == ["count"] * TASKS * 100
    assert read_everything(folder)["counter"]["all"]["n"] == 2 * TASKS * 100
