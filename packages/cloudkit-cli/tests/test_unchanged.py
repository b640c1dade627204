"""When something is taken to be there already: stores differ in what they tell of their objects."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudkit.api import ObjectInfo
from cloudkit.cli.transfer.copier import Copier
from cloudkit.cli.transfer.ends import FileEnd, Job, ObjectEnd
from cloudkit.common import NotFoundError, utc_now

pytestmark = pytest.mark.anyio
DATA = b"some content"
MD5 = hashlib.md5(DATA).hexdigest()


class CopiedError(Exception):
    """It was not taken to be there."""


class Store:
    """A cloud with one object, which refuses to copy."""

    def __init__(self, provider: str, info: ObjectInfo | None) -> None:
        self.provider = provider
        self.storage: Any = self
        self._info = info

    async def head_object(self, bucket: str, key: str) -> ObjectInfo:
        if self._info is None:
            raise NotFoundError("there is none")
        return self._info

    async def refuse(self, *arguments: object, **options: object) -> None:
        raise CopiedError

    put_object = open_object = copy_object = download_file = refuse


def info(etag: str = "x", size: int = len(DATA), hours: int = 0, **checksums: str) -> ObjectInfo:
    modified = utc_now() + timedelta(hours=hours)
    return ObjectInfo(
        bucket="b", key="k", size=size, etag=etag, last_modified=modified, checksums=checksums
    )


def end(provider: str, found: ObjectInfo | None) -> ObjectEnd:
    store: Any = Store(provider, found)
    return ObjectEnd(store, "b", "k", "s3://b/k")


async def skips(job: Job, *, trust_times: bool = False) -> bool:
    try:
        copier = Copier(skip_unchanged=True, trust_times=trust_times)
        return await copier.copy(job, lambda *_: None) == "skipped"
    except CopiedError:
        return False


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, False),
        (info(etag=f'"{MD5}"'), True),
        (info(etag=MD5), True),
        (info(etag=MD5, size=3), False),
        (info(etag="0" * 32), False),
        (info(etag=f'"{MD5}-2"'), False),
        (info(md5=MD5), True),
        (info(md5="0" * 32, etag=MD5), False),
        (info(sha256=hashlib.sha256(DATA).hexdigest()), True),
        (info(), False),
    ],
)
async def test_a_file_and_an_object(tmp_path: Path, found: ObjectInfo | None, expected) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    assert await skips(Job(FileEnd(path), end("acme", found))) is expected


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        (info(md5=MD5), info(md5=MD5), True),
        (info(md5=MD5, crc32="0af52ec1"), info(md5=MD5, crc32="00000000"), False),
        (info(md5=MD5), info(md5="0" * 32), False),
        (info(etag='"one"'), info(etag="one"), True),
        (info(etag="one"), info(etag="two"), False),
        (info(etag="one"), info(etag="one", size=3), False),
    ],
)
async def test_two_objects(here: ObjectInfo, there: ObjectInfo, expected) -> None:
    assert await skips(Job(end("acme", here), end("acme", there))) is expected


async def test_etags_say_nothing_across_providers() -> None:
    assert not await skips(Job(end("acme", info(etag="one")), end("other", info(etag="one"))))


@pytest.mark.parametrize(
    ("found", "up", "down"),
    [
        (info(hours=1), True, False),
        (info(hours=-1), False, True),
        (info(hours=1, size=3), False, False),
        (info(hours=1, md5="0" * 32), False, False),
        (info(hours=-1, md5="0" * 32), False, False),
        (info(hours=-1, md5=MD5), True, True),
    ],
)
async def test_times_are_trusted_where_nothing_else_tells(
    tmp_path: Path, found: ObjectInfo, up: bool, down: bool
) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    assert await skips(Job(FileEnd(path), end("acme", found)), trust_times=True) is up
    assert await skips(Job(end("acme", found), FileEnd(path)), trust_times=True) is down


async def test_times_of_two_objects() -> None:
    old, new = end("acme", info(hours=-1)), end("other", info())
    assert await skips(Job(old, new), trust_times=True)
    assert not await skips(Job(new, old), trust_times=True)
    assert not await skips(Job(old, new))
