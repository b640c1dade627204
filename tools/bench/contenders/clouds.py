"""CloudKit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from cloudkit.api.storage import TransferOptions
from cloudkit.aws import AwsCloud

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
from tools.bench.service import Service
from tools.bench.service.shapes import DOCUMENT, ITEM_KEY, LISTED, PREFIX, RECEIVED, SMALL

REGION = "us-east-1"


class CloudKitAws(Contender):
    """CloudKit's AWS provider."""

    name = "CloudKit"
    module = "cloudkit.aws"
    parallel = True

    def __init__(self, service: Service, concurrency: int) -> None:
        super().__init__(service, concurrency)
        self._body = b"x" * SMALL
        self._small = service.key(SMALL)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Make a cloud."""
        async with AwsCloud(
            endpoint=self.service.url, region=REGION, max_concurrency=self.concurrency
        ) as self._cloud:
            yield

    def calls(self) -> Mapping[str, Call]:
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

    async def _get(self) -> int:
        return len(await self._cloud.storage.get_object(self.service.bucket, self._small))

    async def _put(self) -> None:
        await self._cloud.storage.put_object(self.service.bucket, self._small, self._body)

    async def _list(self) -> int:
        pager = self._cloud.storage.list_objects(
            self.service.bucket, prefix=PREFIX, page_size=LISTED
        )
        return len([entry async for entry in pager])

    async def _get_item(self) -> object:
        item = await self._cloud.kv.get(self.service.table, ITEM_KEY)
        return None if item is None else item.document["count"]

    async def _put_item(self) -> None:
        await self._cloud.kv.put(self.service.table, ITEM_KEY, DOCUMENT)

    async def _send(self) -> None:
        await self._cloud.queue.send(self.service.queue, self._body)

    async def _receive(self) -> int:
        return len(await self._cloud.queue.receive(self.service.queue, max_messages=RECEIVED))

    def upload(self) -> Transfer:
        """In parts."""

        async def upload(path: Path, size: int, parts: int | None) -> None:
            options: TransferOptions = {} if parts is None else {"concurrency": parts}
            key, bucket = self.service.key(size), self.service.bucket
            await self._cloud.storage.put_object(bucket, key, path, **options)

        return upload

    def download(self) -> Transfer:
        """In ranges, compared with the checksum of the object."""

        async def download(path: Path, size: int, parts: int | None) -> None:
            options: TransferOptions = {} if parts is None else {"concurrency": parts}
            key, bucket = self.service.key(size), self.service.bucket
            await self._cloud.storage.download_file(bucket, key, path, **options)

        return download
