"""Objects in a folder: faults of the disk, of processes and of people."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from cloudkit.common import (
    ConfigurationError,
    IntegrityError,
    NotFoundError,
    PreconditionFailedError,
    ProviderError,
)
from cloudkit.local import LocalCloud
from cloudkit.spi import NoRetry

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cloud"


@pytest.fixture
async def storage(folder):
    async with LocalCloud(path=folder) as cloud:
        await cloud.storage.create_bucket("bucket")
        yield cloud.storage


def blobs(folder):
    """Files of bytes, without sidecars."""
    return sorted(p for p in (folder / "objects").glob("*/*") if not p.suffix)


def files_outside(folder):
    names = {"cloudkit-local.json", "buckets", "objects", "temporary", "objects.sqlite3"}
    return {p.name for p in folder.iterdir() if not p.name.startswith("objects.sqlite3")} - names


@pytest.mark.parametrize(
    "key",
    ["../../escape", "/etc/passwd", "..", ".", "a/../../../b", "C:\\x", "nul\0byte", "x" * 1024],
)
async def test_no_key_leads_out_of_the_folder(storage, folder, tmp_path, key):
    await storage.put_object("bucket", key, b"inside")
    assert await storage.get_object("bucket", key) == b"inside"
    assert [p.name for p in tmp_path.iterdir()] == ["cloud"]
    assert not files_outside(folder)
    (blob,) = blobs(folder)
    assert blob.parent.parent == folder / "objects"
    assert len(blob.name) == 32
    await storage.delete_object("bucket", key)
    assert not blobs(folder)


async def test_replaced_and_deleted_objects_leave_no_files(storage, folder):
    for number in range(10):
        await storage.put_object("bucket", "key", str(number).encode())
        await storage.put_object("bucket", str(number), b"")
    await storage.put_object("bucket", "parts", bytes(11 * MIB), part_size=5 * MIB)
    assert len(blobs(folder)) == 12
    await storage.delete_objects("bucket", [*map(str, range(10)), "key", "parts"])
    assert not list((folder / "objects").glob("*/*"))
    assert not list((folder / "temporary").glob("*/*.json"))


@pytest.mark.parametrize("step", ["before", "between"])
async def test_an_object_that_is_replaced_before_it_is_settled_leaves_no_files(
    storage, folder, monkeypatch, step
):
    store = storage._store
    writer = store._blobs().create()
    writer.write(b"old")
    writer.publish(b"{}")
    if step == "between":  # the sidecar and the bytes are removed
        unlink, removed = Path.unlink, []

        def settle_after_the_first(path, **options):
            unlink(path, **options)
            removed.append(path)
            if len(removed) == 1:
                writer.settle()

        monkeypatch.setattr(Path, "unlink", settle_after_the_first)
    store._blobs().remove(writer.revision)
    if step == "before":
        writer.settle()
    assert not list((folder / "objects").glob("*/*"))
    assert not list((folder / "temporary").glob("*/*.json"))


async def test_a_refused_write_leaves_no_files(storage, folder):
    await storage.put_object("bucket", "key", b"old")
    for size in (3, 11 * MIB):
        with pytest.raises(PreconditionFailedError):
            await storage.put_object("bucket", "key", bytes(size), if_none_match="*")
    with pytest.raises(NotFoundError):
        await storage.put_object("missing", "key", b"new")
    assert len(blobs(folder)) == 1
    assert len(list((folder / "temporary").glob("*/*"))) == 1  # the lock


async def test_a_reader_keeps_the_object_that_it_opened(storage):
    old = os.urandom(3 * MIB)
    await storage.put_object("bucket", "key", old)
    async with await storage.open_object("bucket", "key") as reader:
        first = await reader.receive()
        await storage.put_object("bucket", "key", b"new")
        assert first + await reader.read() == old
    assert await storage.get_object("bucket", "key") == b"new"


async def test_a_stream_goes_on_after_a_cancelled_read(storage):
    data = os.urandom(5 * MIB)
    await storage.put_object("bucket", "key", data)
    async with await storage.open_object("bucket", "key") as reader:
        received = bytearray()
        while reader.remaining:
            with anyio.CancelScope() as scope:
                scope.cancel()
                received += await reader.receive()
            if reader.remaining:
                received += await reader.receive()
        assert received == data


@pytest.mark.parametrize("size", [100, 3 * MIB])
async def test_a_flipped_bit_is_noticed(storage, folder, size):
    await storage.put_object("bucket", "key", os.urandom(size))
    (blob,) = blobs(folder)
    content = bytearray(blob.read_bytes())
    content[size // 2] ^= 1
    blob.write_bytes(content)
    with pytest.raises(IntegrityError, match="not those that were written"):
        await storage.get_object("bucket", "key")
    with pytest.raises(IntegrityError):
        async with await storage.open_object("bucket", "key") as reader:
            await reader.read()
    with pytest.raises(IntegrityError):
        await storage.download_file("bucket", "key", folder.parent / "file")
    assert not (folder.parent / "file").exists()


@pytest.mark.parametrize("size", [100, 3 * MIB])
async def test_bytes_that_are_cut_off_are_noticed(storage, folder, size):
    await storage.put_object("bucket", "key", os.urandom(size))
    (blob,) = blobs(folder)
    os.truncate(blob, size - 10)
    with pytest.raises(IntegrityError):
        await storage.get_object("bucket", "key")
    with pytest.raises(IntegrityError):
        await storage.get_object("bucket", "key", byte_range=(size - 20, None))
    blob.unlink()
    with pytest.raises(IntegrityError, match="are missing"):
        await storage.get_object("bucket", "key")


async def fill(storage):
    await storage.create_bucket("empty")
    contents = {f"key {number}": os.urandom(number * 100) for number in range(20)}
    contents["large"] = os.urandom(11 * MIB)
    for key, content in contents.items():
        await storage.put_object("bucket", key, b"old")
        await storage.put_object("bucket", key, content, metadata={"of": key}, content_type="a/b")
    return contents


async def check(storage, contents):
    assert [entry.key async for entry in storage.list_objects("bucket")] == sorted(contents)
    assert [info.name async for info in storage.list_buckets()] == ["bucket", "empty"]
    for key, content in contents.items():
        info = await storage.head_object("bucket", key)
        assert (info.metadata, info.content_type) == ({"of": key}, "a/b")
        assert await storage.get_object("bucket", key) == content


async def test_a_lost_index_is_made_anew_by_itself(folder):
    async with LocalCloud(path=folder) as cloud:
        await cloud.storage.create_bucket("bucket")
        contents = await fill(cloud.storage)
        etag = (await cloud.storage.head_object("bucket", "large")).etag
    (folder / "objects.sqlite3").unlink()
    async with LocalCloud(path=folder) as cloud:
        await check(cloud.storage, contents)
        assert (await cloud.storage.head_object("bucket", "large")).etag == etag


@pytest.mark.parametrize("damage", [b"this is no database" * 1000, b""])
async def test_a_damaged_index_is_told_and_can_be_rebuilt(folder, damage):
    async with LocalCloud(path=folder) as cloud:
        await cloud.storage.create_bucket("bucket")
        contents = await fill(cloud.storage)
    index = folder / "objects.sqlite3"
    index.write_bytes(damage)
    if damage:
        async with LocalCloud(path=folder, retry=NoRetry()) as cloud:
            with pytest.raises(ProviderError, match=r"objects\.sqlite3 is damaged.*rebuild"):
                await cloud.storage.get_object("bucket", "large")
        assert await LocalCloud.rebuild(folder) == len(contents)
        assert [p for p in folder.iterdir() if "damaged" in p.name]
    async with LocalCloud(path=folder) as cloud:
        await check(cloud.storage, contents)


async def test_rebuild_is_refused_while_somebody_uses_the_folder(storage, folder):
    with pytest.raises(ConfigurationError, match="a process is using"):
        await LocalCloud.rebuild(folder)


async def test_a_damaged_page_is_told(folder):
    async with LocalCloud(path=folder, retry=NoRetry()) as cloud:
        await cloud.storage.create_bucket("bucket")
        for number in range(300):
            await cloud.storage.put_object("bucket", str(number), b"")
    index = folder / "objects.sqlite3"
    content = bytearray(index.read_bytes())
    content[4096 * 2 :] = os.urandom(len(content) - 4096 * 2)
    index.write_bytes(content)
    async with LocalCloud(path=folder, retry=NoRetry()) as cloud:
        with pytest.raises(ProviderError, match="is damaged"):
            await cloud.storage.list_objects("bucket").to_list()
    assert await LocalCloud.rebuild(folder) == 300


async def test_two_clients_on_one_folder(storage, folder):
    async with LocalCloud(path=folder) as other:
        etag = (await storage.put_object("bucket", "key", b"one")).etag
        assert await other.storage.get_object("bucket", "key") == b"one"
        await other.storage.put_object("bucket", "key", b"two", if_match=etag)
        with pytest.raises(PreconditionFailedError):
            await storage.put_object("bucket", "key", b"three", if_match=etag)
        assert await storage.get_object("bucket", "key") == b"two"
    assert await storage.get_object("bucket", "key") == b"two"


COUNTER = """
import sys, anyio
from cloudkit.common import PreconditionFailedError
from cloudkit.local import LocalCloud
async def main():
    async with LocalCloud(path=sys.argv[1]) as cloud:
        for _ in range(20):
            while True:
                info = await cloud.storage.head_object("bucket", "count")
                try:
                    value = int(await cloud.storage.get_object("bucket", "count", if_match=info.etag))
                    await cloud.storage.put_object("bucket", "count", str(value + 1).encode(), if_match=info.etag)
                    break
                except PreconditionFailedError:
                    continue
anyio.run(main)
"""


async def test_conditions_hold_across_processes(storage, folder):
    await storage.put_object("bucket", "count", b"0")
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(anyio.run_process, [sys.executable, "-c", COUNTER, str(folder)])
    assert await storage.get_object("bucket", "count") == b"60"
    assert len(blobs(folder)) == 1


async def test_a_full_disk_loses_nothing(storage, folder):
    await storage.put_object("bucket", "key", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, hard))
    try:
        for size in (3 * MIB, 11 * MIB):
            with pytest.raises(ProviderError, match="no space left") as caught:
                await storage.put_object("bucket", "key", bytes(size))
            assert isinstance(caught.value.__cause__, OSError)
            assert "Free some space" in str(caught.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await storage.get_object("bucket", "key") == b"old"
    assert len(blobs(folder)) == 1
    assert await storage.list_uploads("bucket").to_list() == []
    await storage.put_object("bucket", "key", bytes(3 * MIB))


async def test_a_full_disk_under_the_index_loses_nothing(storage, folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    stored = []

    async def fill_up():
        for number in range(2000):
            await storage.put_object("bucket", str(number), b"x", metadata={"m": "y" * 2000})
            stored.append(str(number))

    # The index's log grows with each write: the limit is reached there, not by the small objects.
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, hard))
    try:
        with pytest.raises(ProviderError, match="space"):
            await fill_up()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(stored) == [entry.key async for entry in storage.list_objects("bucket")]
    assert len(blobs(folder)) == len(stored)
    await storage.put_object("bucket", "more", b"x")


async def test_a_disk_that_is_full_when_bytes_are_synced_closes_no_file_twice(
    storage, folder, monkeypatch
):
    await storage.put_object("bucket", "key", b"old")
    closed, close, fsync = [], os.close, os.fsync

    def full(descriptor):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(
        os, "close", lambda descriptor: (closed.append(descriptor), close(descriptor))
    )
    with pytest.raises(ProviderError, match="no space left"):
        await storage.put_object("bucket", "key", b"new")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "close", close)
    assert len(closed) == 1
    assert await storage.get_object("bucket", "key") == b"old"
    assert len(blobs(folder)) == 1
    assert len(list((folder / "temporary").glob("*/*"))) == 1  # the lock


async def test_a_folder_that_vanishes_is_told(storage, folder):
    shutil.rmtree(folder / "objects")
    shutil.rmtree(folder / "temporary")
    with pytest.raises(ProviderError, match=str(folder)):
        await storage.put_object("bucket", "key", b"x")


DIES = """
import os, sys, anyio
from cloudkit.local import LocalCloud
async def main():
    cloud = LocalCloud(path=sys.argv[1])
    await cloud.storage.bucket_exists("bucket")
    writer = cloud.storage._store._blobs().create()
    writer.write(b"half")
    other = cloud.storage._store._blobs().create()
    other.write(b"whole, but not in the index")
    other.publish(b"{}")
    os.kill(os.getpid(), 9)
anyio.run(main)
"""


async def test_leftovers_of_the_dead_are_cleared_and_those_of_the_living_stay(storage, folder):
    await storage.put_object("bucket", "key", b"kept")
    living = storage._store._blobs().create()
    living.write(b"half")
    await anyio.run_process([sys.executable, "-c", DIES, str(folder)], check=False)
    assert len(list((folder / "temporary").iterdir())) == 2
    assert len(blobs(folder)) == 2
    async with LocalCloud(path=folder) as other:
        assert await other.storage.get_object("bucket", "key") == b"kept"
        assert len(blobs(folder)) == 1
        assert len(list((folder / "temporary").iterdir())) == 2  # the two that live
    living.write(b", whole")
    living.discard()
    assert not [p for p in (folder / "temporary").glob("*/*") if p.name != "lock"]


async def test_durability_for_power_cuts_syncs(folder, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: (synced.append(descriptor), fsync(descriptor))
    )
    async with LocalCloud(path=folder, durability="power") as cloud:
        await cloud.storage.create_bucket("bucket")
        synced.clear()
        await cloud.storage.put_object("bucket", "key", b"x")
        assert len(synced) >= 4  # bytes, sidecar, and their folders
    async with LocalCloud(path=folder) as cloud:
        synced.clear()
        await cloud.storage.put_object("bucket", "new", b"x")
        assert len(synced) == 1  # the bytes, in any case
        await cloud.storage.put_object("bucket", "key", b"x")
        assert len(synced) == 3  # and the index, before the old bytes are removed


async def test_memory_is_let_go(folder):
    async with LocalCloud() as cloud:
        await cloud.storage.create_bucket("bucket")
        for _ in range(3):
            await cloud.storage.put_object("bucket", "key", bytes(11 * MIB))
        kept = cloud.storage._store._blobs()._blobs
        assert [len(data) for data in kept.values()] == [11 * MIB]
    assert not kept
    assert not Path(folder).exists()


STREAM = """
import sys, anyio
from cloudkit.local import LocalCloud
MIB = 1024 * 1024
def memory(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) // 1024
def reset():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
async def pieces():
    for _ in range(192 * 4):
        yield bytes(MIB // 4)
async def main():
    async with LocalCloud(path=sys.argv[1]) as cloud:
        storage = cloud.storage
        await storage.create_bucket("bucket")
        await storage.put_object("bucket", "small", b"x")
        reset()
        before = memory("VmRSS")
        await storage.put_object("bucket", "large", pieces())
        async with await storage.open_object("bucket", "large") as reader:
            assert sum([len(chunk) async for chunk in reader]) == 192 * MIB
        print(memory("VmHWM") - before)
anyio.run(main, backend=sys.argv[2])
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
async def test_a_large_object_streams_through_little_memory(folder, anyio_backend_name):
    command = [sys.executable, "-c", STREAM, str(folder), anyio_backend_name]
    # What is let go goes back to the system at once: the number is what is held, not how torn the
    # allocator's memory is, which differs from run to run.
    result = await anyio.run_process(
        command, env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
    )
    assert int(result.stdout) < 56  # six parts of 8 MiB at most, and what else comes and goes


def test_the_server_and_sqlite_are_not_loaded_by_the_facade():
    code = "import sys, cloudkit.prelude; sys.exit('cloudkit.local' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
