"""What a power cut leaves behind of objects whose writes survive a killed process only."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import anyio
import pytest
from cloudkit.local import LocalCloud

pytestmark = pytest.mark.anyio


class Disk:
    """What of the index's log has reached the disk: the rest is what a power cut takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "objects.sqlite3-wal"
        self._synced = b""

    def sync(self, descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), self._log.stat()):
            self._synced = self._log.read_bytes()

    def after_power_cut(self, to: Path) -> Path:
        """A copy of the folder as it is found. Files that were removed are gone: the worst case."""
        shutil.copytree(self._folder, to)
        (to / self._log.name).write_bytes(self._synced)
        (to / "objects.sqlite3-shm").unlink()
        return to


@pytest.fixture
def disk(tmp_path, monkeypatch):
    disk = Disk(tmp_path / "cloud")
    fsync = os.fsync

    def note(descriptor):
        fsync(descriptor)
        disk.sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return disk


async def remaining(folder):
    """Key → bytes, all of them read."""
    async with LocalCloud(path=folder) as cloud:
        keys = [entry.key async for entry in cloud.storage.list_objects("bucket")]
        return {key: await cloud.storage.get_object("bucket", key) for key in keys}


@pytest.fixture
async def storage(tmp_path):
    async with LocalCloud(path=tmp_path / "cloud") as cloud:
        await cloud.storage.create_bucket("bucket")
        for key in ("kept", "changed"):
            await cloud.storage.put_object("bucket", key, b"old")
    # All of this is on the disk: closing has emptied the log.
    async with LocalCloud(path=tmp_path / "cloud") as cloud:
        yield cloud.storage


async def test_an_object_that_is_replaced_is_the_old_or_the_new_one(storage, disk, tmp_path):
    await storage.put_object("bucket", "changed", b"new")
    found = await remaining(disk.after_power_cut(tmp_path / "found"))
    assert found["kept"] == b"old"
    assert found["changed"] in {b"old", b"new"}


async def test_an_object_that_is_deleted_is_there_whole_or_not_at_all(storage, disk, tmp_path):
    await storage.delete_objects("bucket", ["changed"])
    found = await remaining(disk.after_power_cut(tmp_path / "found"))
    assert found in ({"kept": b"old"}, {"kept": b"old", "changed": b"old"})


DIES = """
import os, sys, anyio
from cloudkit.local import LocalCloud
from cloudkit.local.fileblobs import _FileWriter
async def main():
    cloud = LocalCloud(path=sys.argv[1])
    await cloud.storage.put_object("bucket", "before", b"x")
    _FileWriter.settle = lambda self: os.kill(os.getpid(), 9)
    if sys.argv[2] == "object":
        await cloud.storage.put_object("bucket", "key", b"content", metadata={"by": "ann"})
    else:
        # One part at a time: the second would be there or not.
        body = bytes(6 * 2**20)
        await cloud.storage.put_object("bucket", "key", body, part_size=5 * 2**20, concurrency=1)
anyio.run(main)
"""


async def die_before_settling(folder, what):
    async with LocalCloud(path=folder) as cloud:
        await cloud.storage.create_bucket("bucket")
    command = [sys.executable, "-c", DIES, str(folder), what]
    with anyio.fail_after(60):
        assert (await anyio.run_process(command, check=False)).returncode < 0


@pytest.mark.parametrize(
    "damage", [b"", b'{"bucket": "buc', b"\0" * 100], ids=["empty", "half", "zeros"]
)
async def test_a_sidecar_that_was_lost_is_written_anew(tmp_path, damage):
    folder = tmp_path / "cloud"
    await die_before_settling(folder, "object")
    (sidecar,) = (folder / "temporary").glob("*/*.json")
    whole = sidecar.read_bytes()
    sidecar.write_bytes(damage)
    assert await remaining(folder) == {"before": b"x", "key": b"content"}
    assert sidecar.name in {path.name for path in (folder / "objects").glob("*/*.json")}
    assert not list((folder / "temporary").iterdir())
    (kept,) = (folder / "objects").glob(f"*/{sidecar.name}")
    assert kept.read_bytes() == whole


async def test_a_part_has_no_sidecar_to_be_written(tmp_path):
    folder = tmp_path / "cloud"
    await die_before_settling(folder, "parts")
    async with LocalCloud(path=folder) as cloud:
        (upload,) = await cloud.storage.list_uploads("bucket").to_list()
        assert len(list((folder / "objects").glob("*/*.json"))) == 1
        blobs = [path for path in (folder / "objects").glob("*/*") if not path.suffix]
        assert len(blobs) == 2  # the first object, and the part
        await cloud.storage.abort_upload("bucket", upload)
    assert len(list((folder / "objects").glob("*/*"))) == 2
    assert not list((folder / "temporary").iterdir())
