"""Large objects: each client in a process of its own, whose memory is nobody else's."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import anyio
from attrs import frozen

from tools.bench.contenders import Contender, Transfer
from tools.bench.service import Service

Direction = Literal["up", "down"]

MIB = 1024 * 1024
WARM_UP = MIB
"""Bytes of the object that is moved before anything is measured: whatever more it takes counts."""
PATIENCE = 10.0
POOL = 64
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@frozen
class Moved:
    """One transfer.

    Attributes:
        seconds: How long it took.
        memory: The most memory that the process has had so far, in bytes, on top of what it had
            before anything was moved.
    """

    seconds: float
    memory: int


@frozen
class Mover:
    """A client in its process.

    Attributes:
        name: Of the client, with the event loop.
        parallel: Whether it can be told how many parts to move at once.
    """

    name: str
    parallel: bool
    _orders: Connection

    def move(self, size: int, parts: int | None) -> Moved:
        """Move an object.

        Args:
            size: Its bytes.
            parts: How many at once; None for as many as the client likes.

        Raises:
            EOFError: It could not; its process has said why.
        """
        self._orders.send((size, parts))
        moved: Moved = self._orders.recv()
        return moved


@contextmanager
def mover(
    contender: type[Contender], loop: str, service: Service, direction: Direction, folder: Path
) -> Iterator[Mover]:
    """Start a client's process.

    Args:
        contender: The client.
        loop: Name of the event loop.
        service: The server.
        direction: Whether files are sent or fetched.
        folder: Has the files that are sent, by their size; takes those that are fetched.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (contender, loop, service, direction, folder, theirs)
    process = context.Process(target=_run, args=arguments, daemon=True)
    process.start()
    theirs.close()
    try:
        yield Mover(f"{contender.name}, {loop}", contender.parallel, ours)
    finally:
        ours.close()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()


def _run(
    contender: type[Contender],
    loop: str,
    service: Service,
    direction: Direction,
    folder: Path,
    orders: Connection,
) -> None:
    anyio.run(_obey, contender(service, POOL), direction, folder, orders, backend=loop)


async def _obey(client: Contender, direction: Direction, folder: Path, orders: Connection) -> None:
    async with client.opened():
        transfer = client.upload() if direction == "up" else client.download()
        assert transfer is not None  # noqa: S101  (only those that can are asked)
        before: int | None = None
        while True:
            try:
                size, parts = orders.recv()
            except EOFError:
                return
            if before is None:
                await _moved(transfer, direction, folder, WARM_UP, 1)
                before = _peak()
            seconds = await _moved(transfer, direction, folder, size, parts)
            orders.send(Moved(seconds, _peak() - before))


async def _moved(
    transfer: Transfer, direction: Direction, folder: Path, size: int, parts: int | None
) -> float:
    path = (
        folder / str(size)
        if direction == "up"
        else folder / f"{multiprocessing.current_process().pid}"
    )
    began = time.perf_counter()
    await transfer(path, size, parts)
    seconds = time.perf_counter() - began
    if direction == "down":
        arrived = path.stat().st_size
        path.unlink()
        if arrived != size:
            raise AssertionError(f"{arrived:,} bytes arrived of {size:,}")
    return seconds


def _peak() -> int:
    """Most memory that the process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent had when it made the process
        lines = status.read_text(encoding="utf-8").splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT


def race(
    movers: Sequence[Mover], size: int, parts: int | None, rounds: int
) -> dict[str, list[Moved]]:
    """Have each of several clients move an object in turn.

    Args:
        movers: The clients; those that cannot be told the number of parts only take part without.
        size: Bytes of the object.
        parts: How many at once; None for as many as each client likes.
        rounds: How often.
    """
    taking_part = [one for one in movers if one.parallel or parts is None]
    results: dict[str, list[Moved]] = {one.name: [] for one in taking_part}
    for number in range(rounds):
        turn = number % len(taking_part)
        for one in taking_part[turn:] + taking_part[:turn]:
            results[one.name].append(one.move(size, parts))
    return results
