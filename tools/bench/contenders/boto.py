"""boto3: as it comes and tuned as CloudKit tunes it, in threads and alone."""

from __future__ import annotations

import base64
import zlib
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import anyio
from anyio import to_thread

from tools.bench.contenders.base import (
    GET,
    GET_ITEM,
    LIST,
    PUT,
    PUT_ITEM,
    RECEIVE,
    SEND,
    Call,
    Contender,
    Transfer,
)
from tools.bench.contenders.clouds import REGION
from tools.bench.contenders.parameters import Parameters
from tools.bench.service import Service
from tools.bench.service.answers import ITEM
from tools.bench.service.shapes import ITEM_KEY


class Requests:
    """The same requests as CloudKit's, made of boto3's clients. They block.

    Args:
        service: The server.
        client: Gives the client of a service.
        checksum: Whether to compute the checksum of what is stored, as CloudKit does; a client as it
            comes does that by itself.
    """

    def __init__(self, service: Service, client: Callable[[str], Any], *, checksum: bool) -> None:
        self._s3, self._dynamodb, self._sqs = client("s3"), client("dynamodb"), client("sqs")
        self._parameters = Parameters(service)
        self._checksum = checksum

    def by_name(self) -> Mapping[str, Callable[[], object]]:
        """All operations."""
        return {
            GET: self._get,
            PUT: self._put,
            LIST: self._list,
            GET_ITEM: self._get_item,
            PUT_ITEM: self._put_item,
            SEND: self._send,
            RECEIVE: self._receive,
        }

    def _get(self) -> int:
        return len(self._s3.get_object(**self._parameters.get)["Body"].read())

    def _put(self) -> None:
        parameters = self._parameters.put
        if self._checksum:
            value = zlib.crc32(parameters["Body"]).to_bytes(4, "big")
            parameters = {**parameters, "ChecksumCRC32": base64.b64encode(value).decode()}
        self._s3.put_object(**parameters)

    def _list(self) -> int:
        return len(self._s3.list_objects_v2(**self._parameters.list)["Contents"])

    def _get_item(self) -> int:
        answer = self._dynamodb.get_item(**self._parameters.get_item)
        return int(answer["Item"]["count"]["N"])

    def _put_item(self) -> None:
        self._dynamodb.put_item(**self._parameters.put_item)

    def _send(self) -> None:
        self._sqs.send_message(**self._parameters.send)

    def _receive(self) -> int:
        return len(self._sqs.receive_message(**self._parameters.receive)["Messages"])


class ThreadedBoto(Contender):
    """boto3 in anyio's worker threads, as many of them as there are tasks."""

    module = "boto3"
    parallel = True
    _s3: Any
    _upload_options: ClassVar[Mapping[str, str]] = {}

    def calls(self) -> Mapping[str, Call]:
        """All operations."""
        return {name: self._in_thread(call) for name, call in self._requests.by_name().items()}

    def _in_thread(self, call: Callable[[], object]) -> Call:
        return partial(to_thread.run_sync, call, limiter=self._limiter)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Make the clients and the limiter of the threads."""
        self._limiter = anyio.CapacityLimiter(self.concurrency)
        async with self._clients() as requests:
            self._requests = requests
            yield

    @abstractmethod
    def _clients(self) -> Any:
        """Make the clients, and set the one for transfers."""

    def upload(self) -> Transfer | None:
        """Through boto3's own transfer manager."""

        def upload(path: Path, key: str, config: Any) -> None:
            with path.open("rb") as file:
                self._s3.upload_fileobj(
                    file, self.service.bucket, key, Config=config, ExtraArgs=self._upload_options
                )

        return partial(self._transfer, upload)

    def download(self) -> Transfer | None:
        """Through boto3's own transfer manager."""

        def download(path: Path, key: str, config: Any) -> None:
            with path.open("wb") as file:
                self._s3.download_fileobj(self.service.bucket, key, file, Config=config)

        return partial(self._transfer, download)

    async def _transfer(
        self, func: Callable[[Path, str, Any], None], path: Path, size: int, parts: int | None
    ) -> None:
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig() if parts is None else TransferConfig(max_concurrency=parts)
        await to_thread.run_sync(func, path, self.service.key(size), config, limiter=self._limiter)


class TunedBoto(ThreadedBoto):
    """The clients that CloudKit makes for itself, called without it."""

    name = "boto3 in threads, tuned"
    _upload_options: ClassVar[Mapping[str, str]] = {
        "ChecksumAlgorithm": "CRC32"
    }  # which CloudKit sends, too

    @asynccontextmanager
    async def _clients(self) -> AsyncIterator[Requests]:
        from cloudkit.aws import AwsCloud

        async with AwsCloud(
            endpoint=self.service.url, region=REGION, max_concurrency=self.concurrency
        ) as cloud:
            self._s3 = cloud.native.s3
            yield Requests(self.service, lambda name: getattr(cloud.native, name), checksum=True)


class DefaultBoto(ThreadedBoto):
    """The clients that boto3 makes when it is told nothing."""

    name = "boto3 in threads, as it comes"
    parallel = False

    @asynccontextmanager
    async def _clients(self) -> AsyncIterator[Requests]:
        import boto3

        session = boto3.Session(region_name=REGION)
        make = cast("Any", session.client)
        self._s3 = make("s3", endpoint_url=self.service.url)
        yield Requests(
            self.service, lambda name: make(name, endpoint_url=self.service.url), checksum=False
        )


class SequentialBoto(TunedBoto):
    """The tuned clients without threads: one call after the other, however many tasks there are."""

    name = "boto3 alone, one after the other"
    loops = ("asyncio",)  # it makes no use of the loop

    def _in_thread(self, call: Callable[[], object]) -> Call:
        async def directly() -> object:
            return call()

        return directly

    def upload(self) -> None:
        """The transfer manager has threads of its own."""

    def download(self) -> None:
        """The transfer manager has threads of its own."""


class TableBoto(DefaultBoto):
    """boto3's Table, which takes and gives Python's own values, as CloudKit does."""

    name = "boto3's Table in threads"

    def calls(self) -> Mapping[str, Call]:
        """Those on items."""
        import boto3

        session: Any = boto3.Session(region_name=REGION)
        table = session.resource("dynamodb", endpoint_url=self.service.url).Table(
            self.service.table
        )

        def get() -> int:
            answer = table.get_item(Key={"id": ITEM_KEY}, ConsistentRead=True)
            return int(answer["Item"]["count"])

        def put() -> None:
            table.put_item(Item=ITEM)

        return {GET_ITEM: self._in_thread(get), PUT_ITEM: self._in_thread(put)}

    def upload(self) -> None:
        """It knows no objects."""

    def download(self) -> None:
        """It knows no objects."""
