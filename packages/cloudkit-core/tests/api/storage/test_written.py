"""Files that are written in pieces are hashed as a whole, whatever the order and the threads."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cloudkit.api.storage.models import ChecksumAlgorithm, hasher
from cloudkit.api.storage.written import WrittenFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PIECE = 700
DATA = os.urandom(20 * PIECE + 13)
STARTS = range(0, len(DATA), PIECE)


def made(path: Path, size: int, algorithm: ChecksumAlgorithm | None) -> WrittenFile:
    file = WrittenFile(path / "target", size, algorithm)
    file.create()
    return file


def digest_of(algorithm: ChecksumAlgorithm, data: bytes) -> str:
    state = hasher(algorithm)
    state.update(data)
    return state.hexdigest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(list(STARTS)))
def test_the_order_does_not_matter(tmp_path: Path, order: list[int]) -> None:
    file = made(tmp_path, len(DATA), "sha256")
    for start in order:
        file.write(DATA[start : start + PIECE], start)
    assert file.hexdigest() == hashlib.sha256(DATA).hexdigest()
    file.keep()
    file.discard()
    assert list(tmp_path.iterdir()) == [tmp_path / "target"]
    assert (tmp_path / "target").read_bytes() == DATA


def test_threads_may_write_at_once(tmp_path: Path) -> None:
    for _ in range(20):
        file = made(tmp_path, len(DATA), "md5")
        with ThreadPoolExecutor(8) as threads:
            for start in STARTS:
                threads.submit(file.write, DATA[start : start + PIECE], start)
        assert file.hexdigest() == hashlib.md5(DATA).hexdigest()
        file.discard()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations([0, 3, 6, 9]),
    again=st.sampled_from([0, 3, 6, 9]),
    cut=st.integers(1, 3),
)
def test_what_counts_is_what_was_written_last(
    tmp_path: Path, order: list[int], again: int, cut: int
) -> None:
    # A range breaks off, with wrong bytes, and comes again in pieces of another size.
    file = made(tmp_path, 12, "crc32")
    file.write(b"XY"[:cut], again)
    for start in order:
        file.write(b"abcdefghijkl"[start : start + 3], start)
    assert file.hexdigest() == digest_of("crc32", b"abcdefghijkl")
    file.discard()


def test_a_file_that_was_cut_has_another_checksum(tmp_path: Path) -> None:
    file = made(tmp_path, 5, "crc32")
    file.write(b"de", 3)
    (part,) = tmp_path.iterdir()
    os.truncate(part, 4)
    file.write(b"abc", 0)
    assert file.hexdigest() != digest_of("crc32", b"abcde")
    file.discard()


def test_what_is_discarded_leaves_nothing_and_takes_nothing_more(tmp_path: Path) -> None:
    file = made(tmp_path, 5, None)
    file.write(b"abc", 0)
    file.discard()
    file.discard()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="was discarded"):
        file.write(b"de", 3)
    with pytest.raises(OSError, match="was discarded"):
        file.keep()


def test_what_is_discarded_before_it_is_made_is_never_made(tmp_path: Path) -> None:
    file = WrittenFile(tmp_path / "target", 5, None)
    file.discard()
    with pytest.raises(OSError, match="was discarded"):
        file.create()
    assert list(tmp_path.iterdir()) == []


def test_the_descriptor_lives_as_long_as_somebody_writes(tmp_path: Path) -> None:
    file = made(tmp_path, 5, None)
    with file._in_use() as descriptor:
        file.discard()
        assert os.pwrite(descriptor, b"abc", 0) == 3
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    file = WrittenFile(tmp_path, 5, None)
    with pytest.raises(IsADirectoryError):
        file.create()
    file.discard()


def test_a_disk_without_room_leaves_nothing(tmp_path: Path) -> None:
    file = WrittenFile(tmp_path / "target", 2**62, None)
    with pytest.raises(OSError, match=r"File too large|No space left"):
        file.create()
    file.discard()
    assert list(tmp_path.iterdir()) == []
