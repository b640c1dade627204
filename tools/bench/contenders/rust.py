"""Clients written in Rust, which Python only calls: obstore and opendal."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from tools.bench.contenders.base import GET, LIST, PUT, Call, Contender, Transfer
from tools.bench.contenders.clouds import REGION
from tools.bench.service import Service
from tools.bench.service.shapes import LISTED, PREFIX, SMALL

PIECE = 1024 * 1024
PART = 8 * PIECE
PARTS = 8
"""opendal sends one part after the other unless it is told otherwise."""


class _Rust(Contender):
    loops = ("asyncio",)

    def __init__(self, service: Service, concurrency: int) -> None:
        super().__init__(service, concurrency)
        self._body = b"x" * SMALL
        self._small = service.key(SMALL)
        self._keys = {
            "access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        }

    def calls(self) -> Mapping[str, Call]:
        """Those on objects."""
        return {GET: self._get, PUT: self._put, LIST: self._list}

    async def _get(self) -> int:
        raise NotImplementedError

    async def _put(self) -> None:
        raise NotImplementedError

    async def _list(self) -> int:
        raise NotImplementedError


class Obstore(_Rust):
    """The crate object_store."""

    name = "obstore"
    module = "obstore"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Make a store."""
        self._store: Any = import_module("obstore.store").S3Store(
            self.service.bucket,
            endpoint=self.service.url,
            region=REGION,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
            **self._keys,
        )
        yield

    async def _get(self) -> int:
        return len(await (await self._store.get_async(self._small)).bytes_async())

    async def _put(self) -> None:
        await self._store.put_async(self._small, self._body)

    async def _list(self) -> int:
        return len(await self._store.list(PREFIX, chunk_size=LISTED).collect_async())

    def upload(self) -> Transfer:
        """In parts."""

        async def upload(path: Path, size: int, parts: int | None) -> None:
            await self._store.put_async(self.service.key(size), path)

        return upload

    def download(self) -> Transfer:
        """As a stream: it fetches no ranges by itself."""

        async def download(path: Path, size: int, parts: int | None) -> None:
            answer = await self._store.get_async(self.service.key(size))
            with path.open("wb") as file:
                async for piece in answer.stream(min_chunk_size=PIECE):
                    file.write(piece)

        return download


class Opendal(_Rust):
    """The crate opendal."""

    name = "opendal"
    module = "opendal"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Make an operator."""
        self._operator: Any = import_module("opendal").AsyncOperator(
            "s3",
            bucket=self.service.bucket,
            endpoint=self.service.url,
            region=REGION,
            **self._keys,
        )
        yield

    async def _get(self) -> int:
        return len(await self._operator.read(self._small))

    async def _put(self) -> None:
        await self._operator.write(self._small, self._body)

    async def _list(self) -> int:
        return len([entry async for entry in await self._operator.list(PREFIX)])

    def upload(self) -> Transfer:
        """In parts."""

        async def upload(path: Path, size: int, parts: int | None) -> None:
            file = await self._operator.open(
                self.service.key(size), "wb", chunk=PART, concurrent=PARTS
            )
            with path.open("rb") as source:
                async with file:
                    while piece := source.read(PIECE):
                        await file.write(piece)

        return upload

    def download(self) -> Transfer:
        """In ranges, piece by piece."""

        async def download(path: Path, size: int, parts: int | None) -> None:
            source = await self._operator.open(
                self.service.key(size), "rb", chunk=PART, concurrent=PARTS
            )
            with path.open("wb") as file:
                async with source:
                    while piece := await source.read(PIECE):
                        file.write(piece)

        return download
