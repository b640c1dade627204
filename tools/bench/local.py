"""The local provider: queue throughput, a long listing, and a large object in bounded memory."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from cloudkit.prelude import Cloud, CloudKit

from tools.bench.report import Row, print_rows

MIB = 1024 * 1024
MESSAGES = 6000
TASKS = 32
BATCH = 10
LISTED = 100_000
LARGE = 1024 * MIB
MESSAGES_TARGET = 5000
MEMORY_TARGET = 64 * MIB


def run() -> bool:
    """Measure and print.

    Returns:
        Whether all targets were met.
    """
    rows = []
    for backend in ("asyncio", "trio"):
        rows += _queue_rows(backend)
    rows += _listing_rows()
    rows += _large_rows()
    return print_rows("local provider", rows)


def _in_process(function: Callable[[], Any]) -> Any:
    """The result of a function in a process of its own, whose memory is nobody else's."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(function)


def _peak() -> int:
    """Most memory that the process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# Queue


async def _one_by_one(cloud: Cloud, share: int) -> None:
    for _ in range(share):
        await cloud.queue.send("work", b"x" * 100)
        for message in await cloud.queue.receive("work", wait=5):
            await cloud.queue.ack(message)


async def _in_batches(cloud: Cloud, share: int) -> None:
    for _ in range(share // BATCH):
        await cloud.queue.send_batch("work", [b"x" * 100] * BATCH)
        messages = await cloud.queue.receive("work", max_messages=BATCH, wait=5)
        await cloud.queue.ack_batch(messages)


async def _throughput(work: Callable[[Cloud, int], Any]) -> float:
    """Messages a second, each sent, received and acknowledged."""
    with tempfile.TemporaryDirectory() as folder:
        async with CloudKit.local(path=folder) as cloud:
            await cloud.queue.create_queue("work")
            began = time.perf_counter()
            async with anyio.create_task_group() as tasks:
                for _ in range(TASKS):
                    tasks.start_soon(work, cloud, MESSAGES // TASKS)
            return MESSAGES / (time.perf_counter() - began)


def _queue_rows(backend: str) -> list[Row]:
    single = anyio.run(_throughput, _one_by_one, backend=backend)
    batched = anyio.run(_throughput, _in_batches, backend=backend)
    return [
        Row(
            f"queue, {TASKS} tasks, {backend}",
            f"{single * 3:,.0f} calls/s",
            target=f"{MESSAGES_TARGET:,} sends + receives + acks a second",
            met=single * 3 >= MESSAGES_TARGET,
        ),
        Row(
            f"queue, batches of {BATCH}, {backend}",
            f"{batched:,.0f} messages/s",
            batched / single,
            f"{MESSAGES_TARGET:,} sent, received and acked a second",
            batched >= MESSAGES_TARGET,
        ),
    ]


# Listing


async def _fill(folder: str, first: int, last: int) -> None:
    async with CloudKit.local(path=folder) as cloud:
        if first == 0:
            await cloud.storage.create_bucket("many")
        numbers = iter(range(first, last))

        async def put() -> None:
            for number in numbers:
                await cloud.storage.put_object("many", f"{number % 97}/{number}", b"")

        async with anyio.create_task_group() as tasks:
            for _ in range(TASKS):
                tasks.start_soon(put)


async def _list(folder: str) -> tuple[int, float, int]:
    """Objects, seconds, and memory on top of what listing the first page takes."""
    async with CloudKit.local(path=folder) as cloud:
        pager = cloud.storage.list_objects("many")
        async for _ in pager.pages():
            break
        before = _peak()
        count = 0
        began = time.perf_counter()
        async for _ in pager:
            count += 1
        return count, time.perf_counter() - began, _peak() - before


def _listed(folder: str) -> tuple[int, float, int]:
    return anyio.run(_list, folder)


def _listing_rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(_fill, folder, 0, LISTED // 10)
        few = _in_process(partial(_listed, folder))
        anyio.run(_fill, folder, LISTED // 10, LISTED)
        many = _in_process(partial(_listed, folder))
    return [
        Row(
            f"list {many[0]:,} objects",
            f"{many[0] / many[1]:,.0f} objects/s",
            (many[1] / many[0]) / (few[1] / few[0]),
        ),
        Row(
            "... extra memory",
            f"{many[2] / MIB:.1f} MiB",
            target=f"that of a tenth ({few[2] / MIB:.1f} MiB), within 2 MiB",
            met=many[2] - few[2] <= 2 * MIB,
        ),
    ]


# Large object


async def _pieces(size: int) -> AsyncIterator[bytes]:
    piece = bytes(MIB)
    for _ in range(size // MIB):
        yield piece


async def _up(folder: str) -> tuple[float, int]:
    async with CloudKit.local(path=folder) as cloud:
        await cloud.storage.create_bucket("large")
        await cloud.storage.put_object("large", "warm", _pieces(MIB))
        before, began = _peak(), time.perf_counter()
        await cloud.storage.put_object("large", "object", _pieces(LARGE))
        return time.perf_counter() - began, _peak() - before


async def _down(folder: str) -> tuple[float, int]:
    async with CloudKit.local(path=folder) as cloud:
        await cloud.storage.get_object("large", "warm")
        before, began = _peak(), time.perf_counter()
        async with await cloud.storage.open_object("large", "object") as reader:
            async for _ in reader:
                continue
        return time.perf_counter() - began, _peak() - before


def _uploaded(folder: str) -> tuple[float, int]:
    return anyio.run(_up, folder)


def _downloaded(folder: str) -> tuple[float, int]:
    return anyio.run(_down, folder)


def _plain_copy(folder: str) -> float:
    """Seconds to write the same bytes to a file and flush them to the disk."""
    began = time.perf_counter()
    with Path(folder, "plain").open("wb") as file:
        file.writelines(bytes(MIB) for _ in range(LARGE // MIB))
    return time.perf_counter() - began


def _large_rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        plain = _plain_copy(other)
        up = _in_process(partial(_uploaded, folder))
        down = _in_process(partial(_downloaded, folder))
    return [
        Row(
            f"{LARGE // MIB:,} MiB {what}",
            f"{LARGE / MIB / seconds:,.0f} MiB/s, {memory / MIB:.0f} MiB extra",
            seconds / plain,
            f"below {MEMORY_TARGET // MIB} MiB of extra memory (ratio: writing a plain file)",
            memory < MEMORY_TARGET,
        )
        for what, (seconds, memory) in (("streamed up", up), ("streamed down", down))
    ]
