"""Reading an object as a stream that survives a broken connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from anyio import EndOfStream
from anyio.abc import ByteReceiveStream
from attrs import evolve
from cloudkit.api.storage.models import ByteRange, ObjectInfo
from cloudkit.api.storage.operations import OpenObject
from cloudkit.common import CloudError, IntegrityError, NetworkError, OperationTimeoutError
from cloudkit.spi import OperationRunner

Opened = tuple[ObjectInfo, ByteReceiveStream]


class ObjectReader(ByteReceiveStream):
    """The bytes of an object, or of a range of it, as they arrive.

    Use it as an asynchronous context manager and iterate over it; leaving early frees the connection.
    When the connection breaks, reading goes on at the same place of the same revision of the object,
    as far as the retry policy allows.

    Attributes:
        info: The object's facts; ``info.size`` is that of the whole object.
    """

    def __init__(
        self,
        operation: OpenObject,
        opened: Opened,
        reopen: Callable[[OpenObject], Awaitable[Opened]],
        runner: OperationRunner,
    ) -> None:
        self.info, self._stream = opened
        self._operation = operation
        self._reopen = reopen
        self._runner = runner
        byte_range = operation.byte_range or ByteRange(0)
        size = self.info.size
        whole = operation.byte_range is None
        self._position, self._stop = (0, size) if whole else byte_range.resolve(size)
        self._failures = 0

    @property
    def remaining(self) -> int:
        """Bytes that are still to come."""
        return self._stop - self._position

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes, at most ``max_bytes`` of them.

        Raises:
            EndOfStream: All bytes have been given.
            PreconditionFailedError: The object was replaced while the connection was broken.
            CloudError: Reading failed, and the retry policy gives up.
        """
        while True:
            try:
                return await self._receive(max_bytes)
            except EndOfStream:
                if self.remaining <= 0:
                    raise
                error: CloudError = self._cut_short()
            except Exception as native:
                translated = self._runner.translate(native, self._operation)
                if not isinstance(translated, CloudError):
                    raise
                error = translated
            if self.remaining <= 0:
                if isinstance(error, (NetworkError, OperationTimeoutError)):
                    raise EndOfStream from error  # it broke when nothing was missing
                raise error  # all of it came, and is not what was stored
            self._failures += 1
            if not await self._runner.wait_to_retry(error, self._failures, self._operation):
                raise error
            await self._resume()

    async def read(self) -> bytes:
        """All bytes that are still to come.

        Raises:
            CloudError: Reading failed.
        """
        return b"".join([chunk async for chunk in self])

    async def aclose(self) -> None:
        """Free the connection; bytes not read yet are dropped."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _receive(self, max_bytes: int) -> bytes:
        with self._runner.deadline(self._operation):
            chunk = await self._stream.receive(max_bytes)
        self._position += len(chunk)
        self._failures = 0
        return chunk

    async def _resume(self) -> None:
        await self._stream.aclose()
        rest = evolve(
            self._operation,
            byte_range=ByteRange(self._position, self._stop - 1),
            if_match=self.info.etag,
            if_none_match=None,
        )
        _, self._stream = await self._reopen(rest)

    def _cut_short(self) -> CloudError:
        return IntegrityError(
            f"the connection ended with {self.remaining:,} bytes still to come",
            provider=self._runner.provider,
            service=self._operation.service,
            operation=self._operation.name,
            resource=self._operation.resource,
            retryable=True,
        )
