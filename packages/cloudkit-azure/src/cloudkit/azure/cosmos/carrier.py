"""Carries writes out: asks, looks at what refused it, and asks again as long as that is right."""

from __future__ import annotations

from attrs import frozen
from cloudkit.api.kv import Item, Key
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.cosmos.answers import is_missing_item
from cloudkit.azure.cosmos.client import CosmosAccount
from cloudkit.azure.cosmos.items import Image, ItemCodec, RawItem
from cloudkit.azure.cosmos.requests import Request
from cloudkit.azure.cosmos.schema import Schema
from cloudkit.azure.cosmos.writes import Writer
from cloudkit.azure.errors import status_of, translate
from cloudkit.common import CloudError
from cloudkit.core.writes import ATTEMPTS, contended, pause, with_facts


@frozen
class Carrier:
    """Carries single writes out.

    Attributes:
        clients: Makes the calls.
    """

    clients: AzureClients

    async def read(self, schema: Schema, key: Key) -> Image:
        """What stands at a key."""
        return await self.clients.run("cosmos", _read, schema, key)

    async def write(self, writer: Writer) -> str | None:
        """Carry out a put or a delete; returns the item's new version.

        Raises:
            CloudError: The item does not allow it.
        """
        request, answer = await self._carry_out(writer)
        return None if answer is None else writer.version_in(request, answer["_etag"])

    async def update(self, writer: Writer) -> Item:
        """Carry out an update; returns the item as it is now.

        Raises:
            CloudError: The item does not allow it.
        """
        request, answer = await self._carry_out(writer)
        return writer.item_in(request, answer or {})

    async def _carry_out(self, writer: Writer) -> tuple[Request, RawItem | None]:
        table = writer.schema.info.name
        request = writer.first()
        if request is None:
            request = writer.under(await self.read(writer.schema, writer.write.key))
        for attempt in range(ATTEMPTS):
            await pause(attempt)
            try:
                return request, await self.clients.run("cosmos", _send, request, table)
            except Exception as error:
                if not is_contested(request, error):
                    raise
                refused = error
            image = await self.read(writer.schema, writer.write.key)
            try:
                request = writer.under(image)
            except CloudError as failure:
                raise with_facts(failure, translate(refused)) from refused
        raise contended()


def is_contested(request: Request, error: Exception) -> bool:
    """Whether the item was not what the request asked for, so that it must be looked at."""
    status = status_of(error)
    # A patch is also refused where the document does not take it.
    return status in {409, 412} or is_missing_item(error) or (status == 400 and bool(request.patch))


def _read(account: CosmosAccount, schema: Schema, key: Key) -> Image:
    raw: RawItem | None
    try:
        raw = account.container(schema.info.name).read_item(schema.id_of(key), key.partition)
    except Exception as error:
        if not is_missing_item(error):
            raise
        raw = None
    return ItemCodec(schema).image(raw)


def _send(account: CosmosAccount, request: Request, table: str) -> RawItem | None:
    return request.send(account, table)
