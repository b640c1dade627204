"""Writes documents until it is killed, or has counted far enough, and says what was acknowledged.

    python kv_writer.py FOLDER NAME TASKS [TIMES]

Each line it prints is "put N", "count" or "pair N", written only after the call has returned.
"""

from __future__ import annotations

import itertools
import os
import sys

import anyio
from cloudkit.api.kv import Put
from cloudkit.local import LocalCloud


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once and whole, whatever happens next


async def main(folder: str, name: str, tasks: int, times: int | None) -> None:
    numbers = itertools.count()
    async with LocalCloud(path=folder) as cloud:
        kv = cloud.kv

        async def work() -> None:
            for _ in itertools.count() if times is None else range(times):
                if times is None:
                    number = next(numbers)
                    await kv.put("items", (name, f"{number:06}"), {"n": number, "x": "y" * 500})
                    say(f"put {number}")
                    await kv.transact(
                        "items",
                        [
                            Put(key=(f"{name}-left", f"{number:06}"), document={"n": number}),
                            Put(key=(f"{name}-right", f"{number:06}"), document={"n": number}),
                        ],
                    )
                    say(f"pair {number}")
                await kv.update("items", ("counter", "all"), increment={"n": 1})
                say("count")

        async with anyio.create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(work)


if __name__ == "__main__":
    folder, name, tasks, *times = sys.argv[1:]
    anyio.run(main, folder, name, int(tasks), int(times[0]) if times else None)
