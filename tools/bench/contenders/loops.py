"""Clients written for asyncio: aiobotocore, and s3fs on top of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

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
from tools.bench.service.shapes import PREFIX, SMALL

PIECE = 1024 * 1024


class Aiobotocore(Contender):
    """botocore with aiohttp under it. It has no transfer manager: large objects go in one request."""

    name = "aiobotocore"
    module = "aiobotocore"
    loops = ("asyncio",)

    def __init__(self, service: Service, concurrency: int) -> None:
        super().__init__(service, concurrency)
        self._parameters = Parameters(service)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Make its clients."""
        session = import_module("aiobotocore.session").get_session()
        config = import_module("aiobotocore.config").AioConfig(
            max_pool_connections=self.concurrency
        )
        options = {
            "endpoint_url": self.service.url,
            "region_name": REGION,
            "config": config,
        }
        async with AsyncExitStack() as stack:
            clients: list[Any] = [
                await stack.enter_async_context(session.create_client(name, **options))
                for name in ("s3", "dynamodb", "sqs")
            ]
            self._s3, self._dynamodb, self._sqs = clients
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
        answer = await self._s3.get_object(**self._parameters.get)
        async with answer["Body"] as body:
            return len(await body.read())

    async def _put(self) -> None:
        await self._s3.put_object(**self._parameters.put)

    async def _list(self) -> int:
        return len((await self._s3.list_objects_v2(**self._parameters.list))["Contents"])

    async def _get_item(self) -> int:
        answer = await self._dynamodb.get_item(**self._parameters.get_item)
        return int(answer["Item"]["count"]["N"])

    async def _put_item(self) -> None:
        await self._dynamodb.put_item(**self._parameters.put_item)

    async def _send(self) -> None:
        await self._sqs.send_message(**self._parameters.send)

    async def _receive(self) -> int:
        return len((await self._sqs.receive_message(**self._parameters.receive))["Messages"])

    def upload(self) -> Transfer:
        """In one request."""

        async def upload(path: Path, size: int, parts: int | None) -> None:
            with path.open("rb") as file:
                await self._s3.put_object(
                    Bucket=self.service.bucket, Key=self.service.key(size), Body=file
                )

        return upload

    def download(self) -> Transfer:
        """In one request."""

        async def download(path: Path, size: int, parts: int | None) -> None:
            answer = await self._s3.get_object(
                Bucket=self.service.bucket, Key=self.service.key(size)
            )
            async with answer["Body"] as body:
                with path.open("wb") as file:
                    async for piece in body.iter_chunks(PIECE):
                        file.write(piece)

        return download


class S3fs(Contender):
    """Files of fsspec in S3."""

    name = "s3fs"
    module = "s3fs"
    loops = ("asyncio",)

    def __init__(self, service: Service, concurrency: int) -> None:
        super().__init__(service, concurrency)
        self._body = b"x" * SMALL
        self._small = self._path(SMALL)

    def _path(self, size: int) -> str:
        return f"{self.service.bucket}/{self.service.key(size)}"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Make a file system."""
        self._files: Any = import_module("s3fs").S3FileSystem(
            asynchronous=True,
            endpoint_url=self.service.url,
            client_kwargs={"region_name": REGION},
            config_kwargs={"max_pool_connections": self.concurrency},
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        session = await self._files.set_session()
        try:
            yield
        finally:
            await session.close()

    def calls(self) -> Mapping[str, Call]:
        """Those on objects."""
        return {GET: self._get, PUT: self._put, LIST: self._list}

    async def _get(self) -> int:
        return len(await self._files._cat_file(self._small))

    async def _put(self) -> None:
        await self._files._pipe_file(self._small, self._body)

    async def _list(self) -> int:
        return len(await self._files._lsdir(f"{self.service.bucket}/{PREFIX}", refresh=True))

    def upload(self) -> Transfer:
        """In parts."""

        async def upload(path: Path, size: int, parts: int | None) -> None:
            await self._files._put_file(str(path), self._path(size))

        return upload

    def download(self) -> Transfer:
        """In parts."""

        async def download(path: Path, size: int, parts: int | None) -> None:
            await self._files._get_file(self._path(size), str(path))

        return download
