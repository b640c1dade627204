"""What a client must be able to do to be measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, TypeAlias

from tools.bench.service import Service
from tools.bench.service.shapes import LISTED, RECEIVED, SMALL

GET = "S3 get, 1 KiB"
PUT = "S3 put, 1 KiB"
LIST = f"S3 list, a page of {LISTED:,} keys"
GET_ITEM = "DynamoDB get_item"
PUT_ITEM = "DynamoDB put_item"
SEND = "SQS send, 1 KiB"
RECEIVE = f"SQS receive, {RECEIVED} messages"
OPERATIONS = (GET, PUT, LIST, GET_ITEM, PUT_ITEM, SEND, RECEIVE)

ANSWERS: dict[str, object] = {GET: SMALL, LIST: LISTED, GET_ITEM: 42, RECEIVE: RECEIVED}
"""What a call must return: bytes, keys, the count in the document, messages. Others return None."""

Call: TypeAlias = Callable[[], Awaitable[object]]
Transfer: TypeAlias = Callable[[Path, int, int | None], Awaitable[object]]
"""Moves a file of so many bytes with so many parts at once; None for as many as the client likes."""


class Contender(ABC):
    """One client, in one configuration.

    Args:
        service: The server.
        concurrency: Tasks that will call at once.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    loops: ClassVar[tuple[str, ...]] = ("asyncio", "trio")
    parallel: ClassVar[bool] = False
    """Whether the number of parts at once is for the benchmark to say."""

    def __init__(self, service: Service, concurrency: int) -> None:
        self.service = service
        self.concurrency = concurrency

    @classmethod
    def installed(cls) -> bool:
        """Whether it can be imported."""
        return find_spec(cls.module) is not None

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[None]:
        """Make its connections, and close them."""

    def calls(self) -> Mapping[str, Call]:
        """What it can do, by the names of the operations."""
        return {}

    def upload(self) -> Transfer | None:
        """Its way to send a file, if it has one."""
        return None

    def download(self) -> Transfer | None:
        """Its way to fetch a file, if it has one."""
        return None
