"""Queues under several processes, and under processes that are killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from cloudkit.local import LocalCloud

PROGRAM = Path(__file__).parent.parent / "programs" / "queue_worker.py"
LEASE = 1.5


class Worker:
    """A process, and what it has said."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        command = [sys.executable, str(PROGRAM), str(folder), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                if line.endswith("\n"):
                    self.said.append(line.rstrip("\n"))

    def wait_for(self, lines: int) -> None:
        until(lambda: len(self.said) >= lines or self.process.poll() is not None)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def bodies(self, word: str) -> list[str]:
        return [line.split()[1] for line in self.said if line.startswith(f"{word} ")]


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path):
    async def prepare() -> None:
        async with LocalCloud(path=tmp_path) as cloud:
            await cloud.queue.create_queue("jobs", visibility=LEASE)

    anyio.run(prepare)
    return tmp_path


@pytest.fixture
def start(folder):
    workers: list[Worker] = []

    def begin(*arguments: object) -> Worker:
        workers.append(Worker(folder, *arguments))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.kill()


def drain(folder: Path) -> list[str]:
    """Bodies of everything that is left, leases of the dead included."""

    async def consume() -> list[str]:
        bodies: list[str] = []
        async with LocalCloud(path=folder) as cloud:
            while True:
                stats = await cloud.queue.stats("jobs")
                if not (stats.available or stats.leased):
                    return bodies
                messages = await cloud.queue.receive("jobs", max_messages=10, wait=2 * LEASE)
                bodies += [message.text() for message in messages]
                await cloud.queue.ack_batch(messages)

    return anyio.run(consume)


def test_nothing_that_was_sent_is_lost_and_nothing_acked_comes_back(folder, start):
    dead: list[Worker] = []
    for number in range(4):
        sender, consumer = start("send", f"s{number}"), start("consume", 0)
        sender.wait_for(random.randint(2, 200))
        sender.kill()
        # What was sent is what can be waited for: three lines a message.
        consumer.wait_for(min(random.randint(2, 200), 3 * len(sender.bodies("sent")) + 1))
        consumer.kill()
        for worker in (sender, consumer):
            assert worker.process.returncode < 0
            dead.append(worker)
    left = drain(folder)
    sent = {body for worker in dead for body in worker.bodies("sent")}
    acked = {body for worker in dead for body in worker.bodies("acked")}
    begun = {body for worker in dead for body in worker.bodies("begin")}
    assert sent
    assert not acked & set(left)
    # A message may have been sent, or acknowledged, in the very moment of the kill.
    assert sent <= set(left) | begun
    assert len(left) == len(set(left))


def test_consumers_of_several_processes_share_the_messages(folder, start):
    bodies = [f"m-{number}" for number in range(120)]

    async def send() -> None:
        async with LocalCloud(path=folder) as cloud:
            await cloud.queue.send_batch("jobs", bodies)

    anyio.run(send)
    workers = [start("consume", 0.005) for _ in range(3)]
    until(lambda: sum(len(worker.bodies("acked")) for worker in workers) >= len(bodies))
    for worker in workers:
        worker.kill()
    handled = Counter(body for worker in workers for body in worker.bodies("acked"))
    assert set(handled) == set(bodies)
    spans: dict[str, list[tuple[float, float]]] = {}
    for worker in workers:
        begun: dict[str, float] = {}
        for line in worker.said[1:]:
            word, body, *at = line.split()
            if word == "begin":
                begun[body] = float(at[0])
            elif word == "end":
                spans.setdefault(body, []).append((begun[body], float(at[0])))
    for found in spans.values():
        found.sort()
        for (_, end), (begin, _) in pairwise(found):
            assert begin >= end, "two consumers held the message at the same time"
    assert drain(folder) == []


def test_what_another_process_sends_wakes_who_waits(folder, start):
    consumer = start("consume", 0)
    consumer.wait_for(1)

    async def send() -> None:
        async with LocalCloud(path=folder) as cloud:
            await cloud.queue.send("jobs", "hello")

    anyio.run(send)
    until(lambda: consumer.bodies("acked") == ["hello"])
