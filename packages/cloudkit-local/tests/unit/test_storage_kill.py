"""A process that is killed loses nothing that it was told is stored, and leaves nothing half."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time

import anyio
import pytest
from cloudkit.local import LocalCloud

WRITER = """
import hashlib, os, random, sys, anyio
from cloudkit.local import LocalCloud
seed = int(sys.argv[2])
async def work(storage, number):
    source = random.Random(seed * 100 + number)
    for round in range(100_000):
        size = source.choice([0, 10, 1000, 100_000, 300_000])
        if number == 0:
            size = 11 * 1024 * 1024
        data = source.randbytes(size)
        key = f"{number}/{round % 7}"
        print("begin", key, hashlib.sha256(data).hexdigest(), flush=True)
        await storage.put_object("bucket", key, data, metadata={"size": str(size)})
        print("done", key, hashlib.sha256(data).hexdigest(), flush=True)
async def main():
    async with LocalCloud(path=sys.argv[1]) as cloud, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(work, cloud.storage, number)
anyio.run(main)
"""


def run_and_kill(folder, seed):
    """What a writer said before it was killed: key → digest, of what it began and of what it did."""
    command = [sys.executable, "-c", WRITER, str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(random.Random(seed).uniform(0.05, 0.6))  # the moment is what is random here
        process.send_signal(signal.SIGKILL)
        lines = [first, *process.stdout.read().splitlines()]
    begun, done = {}, {}
    for line in lines:
        words = line.split()
        if len(words) == 3 and len(words[2]) == 64:
            (begun if words[0] == "begin" else done)[words[1]] = words[2]
    return begun, done


async def look(folder):
    async with LocalCloud(path=folder) as cloud:
        storage = cloud.storage
        found = {}
        async for entry in storage.list_objects("bucket"):
            data = await storage.get_object("bucket", entry.key)
            info = await storage.head_object("bucket", entry.key)
            assert info.metadata == {"size": str(len(data))}
            found[entry.key] = hashlib.sha256(data).hexdigest()
        for upload in await storage.list_uploads("bucket").to_list():
            await storage.abort_upload("bucket", upload)
    return found


@pytest.mark.timeout(110)
def test_nothing_acknowledged_is_lost_and_nothing_half_is_seen(tmp_path):
    folder = tmp_path / "cloud"

    async def prepare():
        async with LocalCloud(path=folder) as cloud:
            await cloud.storage.create_bucket("bucket")

    anyio.run(prepare)
    known: dict[str, str] = {}
    for seed in range(8):
        begun, done = run_and_kill(folder, seed)
        found = anyio.run(look, folder)
        known |= done
        for key, digest in known.items():
            # The last one begun may have been stored although its writer never heard of it.
            assert found[key] in {digest, begun.get(key)}
        assert found.keys() <= known.keys() | begun.keys()
        known = found
        blobs = [path for path in (folder / "objects").glob("*/*") if not path.suffix]
        assert len(blobs) == len(found)
        assert not list((folder / "temporary").iterdir())
    assert len(known) > 5
