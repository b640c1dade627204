"""Files that are written in ranges are hashed as a whole, whatever the order and the threads."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cloudkit.api.storage.models import hasher
from cloudkit.api.storage.written import WrittenFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RANGE = 700
DATA = os.urandom(20 * RANGE + 13)
STARTS = range(0, len(DATA), RANGE)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(list(STARTS)))
def test_the_order_does_not_matter(descriptor: int, order: list[int]) -> None:
    os.truncate(descriptor, 0)
    file = WrittenFile(descriptor, hasher("sha256"))
    for start in order:
        file.write(DATA[start : start + RANGE], start)
    assert file.hexdigest() == hashlib.sha256(DATA).hexdigest()
    assert os.pread(descriptor, len(DATA) + 1, 0) == DATA


def test_threads_may_write_at_once(descriptor: int) -> None:
    for _ in range(20):
        file = WrittenFile(descriptor, hasher("md5"))
        with ThreadPoolExecutor(8) as threads:
            for start in STARTS:
                threads.submit(file.write, DATA[start : start + RANGE], start)
        assert file.hexdigest() == hashlib.md5(DATA).hexdigest()


def test_what_was_read_back_counts(descriptor: int) -> None:
    file = WrittenFile(descriptor, hasher("crc32"))
    file.write(b"de", 3)
    os.pwrite(descriptor, b"X", 3)
    file.write(b"abc", 0)
    state = hasher("crc32")
    state.update(b"abcXe")
    assert file.hexdigest() == state.hexdigest()


def test_a_file_that_was_cut_has_another_checksum(descriptor: int) -> None:
    file = WrittenFile(descriptor, hasher("crc32"))
    file.write(b"de", 3)
    os.truncate(descriptor, 4)
    file.write(b"abc", 0)
    state = hasher("crc32")
    state.update(b"abcde")
    assert file.hexdigest() != state.hexdigest()
