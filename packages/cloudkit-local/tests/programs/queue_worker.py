"""Sends or consumes messages until it is killed, and says what was acknowledged.

    python queue_worker.py FOLDER send NAME | python queue_worker.py FOLDER consume SECONDS

Each line it prints is "sent NUMBER", "begin BODY TIME", "end BODY TIME" or "acked BODY"; "sent" and
"acked" only after the call has returned.
"""

from __future__ import annotations

import itertools
import os
import sys
import time

import anyio
from cloudkit.local import LocalCloud

TASKS = 4


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once and whole, whatever happens next


async def send(cloud: LocalCloud, name: str) -> None:
    numbers = itertools.count()

    async def work() -> None:
        for number in numbers:
            body = f"{name}-{number}"
            await cloud.queue.send("jobs", body)
            say(f"sent {body}")

    async with anyio.create_task_group() as tasks:
        for _ in range(TASKS):
            tasks.start_soon(work)


async def consume(cloud: LocalCloud, seconds: float) -> None:
    async def work() -> None:
        while True:
            for message in await cloud.queue.receive("jobs", max_messages=3, wait=1):
                say(f"begin {message.text()} {time.time()}")
                await anyio.sleep(seconds)
                say(f"end {message.text()} {time.time()}")
                await cloud.queue.ack(message)
                say(f"acked {message.text()}")

    async with anyio.create_task_group() as tasks:
        for _ in range(TASKS):
            tasks.start_soon(work)


async def main(folder: str, job: str, argument: str) -> None:
    async with LocalCloud(path=folder) as cloud:
        say("ready")
        if job == "send":
            await send(cloud, argument)
        else:
            await consume(cloud, float(argument))


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
