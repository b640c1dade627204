"""Content of objects, in whatever form it comes, as parts of bounded size."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from os import PathLike
from typing import IO, Any

import anyio
from anyio import to_thread
from cloudkit.api.storage.models import Body
from cloudkit.common import ValidationError

PARTS_PER_SIZE = 1000


class PartSizes:
    """Sizes of the parts of an upload, so that the whole fits into the service's number of parts.

    Where the length is known the parts are equal; otherwise they double every thousand parts.

    Args:
        part_size: Smallest size, in bytes.
        max_parts: Most parts of an upload.
        max_part_size: Largest part, in bytes.
        length: Bytes in all, or None.
    """

    def __init__(
        self, part_size: int, max_parts: int, max_part_size: int, length: int | None
    ) -> None:
        self._growing = length is None
        self._max = max_part_size
        self._first = part_size if length is None else max(part_size, -(-length // max_parts))

    def __iter__(self) -> Iterator[int]:
        number = 0
        while True:
            doublings = number // PARTS_PER_SIZE if self._growing else 0
            yield min(self._first << doublings, self._max)
            number += 1


async def body_length(body: Body) -> int | None:
    """Bytes of a body, as far as it is known without reading it.

    Raises:
        ValidationError: It is no body.
        OSError: It is a path that cannot be read.
    """
    if isinstance(body, (bytes, bytearray)):
        return len(body)
    if isinstance(body, memoryview):
        return body.nbytes
    if isinstance(body, PathLike):
        return (await anyio.Path(body).stat()).st_size
    if isinstance(body, str):
        raise ValidationError(
            "a str could be a text or a path: encode the text, or give the path as pathlib.Path"
        )
    if isinstance(body, AsyncIterable):
        return None
    if hasattr(body, "read"):
        return _file_length(body)
    raise ValidationError(
        "an object is made of bytes, a pathlib.Path, an open binary file or an async iterable of "
        f"bytes, not {type(body).__name__}"
    )


def _file_length(file: Any) -> int | None:
    try:
        position = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(position)
    except (AttributeError, OSError, TypeError):
        return None  # a pipe, or something that can only be read
    return int(end) - int(position)


def read_parts(body: Body, sizes: PartSizes) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
    """The body in parts. The last may be shorter; an empty body gives one empty part.

    Raises:
        ValidationError: A piece of the body is not bytes.
    """
    if isinstance(body, (bytes, bytearray, memoryview)):
        return _closing(_memory_parts(memoryview(body).cast("B"), sizes))
    if isinstance(body, PathLike):
        return _closing(_path_parts(body, sizes))
    if isinstance(body, AsyncIterable):
        return _closing(_stream_parts(body, sizes))
    if isinstance(body, str):
        raise ValidationError("a str is no body")
    return _closing(_file_parts(body, sizes))


@asynccontextmanager
async def _closing(parts: Any) -> AsyncIterator[AsyncIterator[bytes]]:
    try:
        yield parts
    finally:
        with anyio.CancelScope(shield=True):
            await parts.aclose()


async def _memory_parts(data: memoryview, sizes: PartSizes) -> AsyncIterator[bytes]:
    start = 0
    for size in sizes:
        yield bytes(data[start : start + size])
        start += size
        if start >= len(data):
            return


async def _path_parts(path: PathLike[str], sizes: PartSizes) -> AsyncIterator[bytes]:
    file = await to_thread.run_sync(open, path, "rb")
    try:
        async with aclosing(_file_parts(file, sizes)) as parts:
            async for part in parts:
                yield part
    finally:
        file.close()


async def _file_parts(file: IO[bytes], sizes: PartSizes) -> AsyncGenerator[bytes]:
    for number, size in enumerate(sizes):
        part = await to_thread.run_sync(_read_fully, file, size)
        if part or number == 0:
            yield part
        if len(part) < size:
            return


def _read_fully(file: IO[bytes], size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = file.read(size - len(pieces))
        if not isinstance(piece, bytes):
            raise ValidationError("the file must be open in binary mode")
        if not piece:
            break
        if len(piece) == size:
            return piece
        pieces += piece
    return bytes(pieces)


async def _stream_parts(stream: AsyncIterable[bytes], sizes: PartSizes) -> AsyncIterator[bytes]:
    wanted = iter(sizes)
    size = next(wanted)
    pieces: list[bytes] = []  # joined once: a buffer that grows would be copied again and again
    length = 0
    sent = False
    async for piece in stream:
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise ValidationError(f"the stream must give bytes, not {type(piece).__name__}")
        rest = bytes(piece)  # a copy only of what the stream might change afterwards
        while length + len(rest) > size:
            pieces.append(rest[: size - length])
            rest = rest[size - length :]
            part = b"".join(pieces)
            pieces.clear()
            yield part
            del part
            sent = True
            length, size = 0, next(wanted)
        if rest:
            pieces.append(rest)
            length += len(rest)
    if pieces or not sent:
        yield b"".join(pieces)
