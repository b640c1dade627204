"""Carries writes out: asks, looks at what refused it, and asks again as long as that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.api.kv import Item, Key
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.dynamodb.answers import CONDITION_FAILED, code_of, item_in, too_large
from cloudkit.aws.dynamodb.items import Image, ItemCodec, RawItem
from cloudkit.aws.dynamodb.keys import Schema
from cloudkit.aws.dynamodb.writes import Request, Writer
from cloudkit.aws.errors import translate
from cloudkit.common import CloudError
from cloudkit.core.writes import ATTEMPTS, contended, pause, with_facts

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient


@frozen
class Carrier:
    """Carries single writes out.

    Attributes:
        clients: boto3's.
    """

    clients: AwsClients

    async def read(self, schema: Schema, key: Key, *, consistent: bool = True) -> Image:
        """What stands at a key."""
        return await self.clients.run("dynamodb", _read, schema, key, consistent)

    async def write(self, writer: Writer) -> Request:
        """Carry out a put or a delete; returns the request that succeeded.

        Raises:
            CloudError: The item does not allow it.
        """
        return (await self._carry_out(writer))[0]

    async def update(self, writer: Writer) -> Item:
        """Carry out an update; returns the item as it is now.

        Raises:
            CloudError: The item does not allow it.
        """
        _, raw = await self._carry_out(writer)
        return ItemCodec(writer.schema).decode(raw)

    async def image_in(self, writer: Writer, raw: RawItem | None) -> Image:
        """What stood at the key when a condition failed.

        Args:
            writer: Of the write.
            raw: What the service said. Nothing may mean that it says nothing of items.
        """
        if raw is None:
            return await self.read(writer.schema, writer.key)
        return writer.codec.image(raw)

    async def _carry_out(self, writer: Writer) -> tuple[Request, RawItem]:
        request = writer.first()
        if request is None:
            request = writer.under(await self.read(writer.schema, writer.key))
        for attempt in range(ATTEMPTS):
            await pause(attempt)
            try:
                return request, await self.clients.run("dynamodb", _send, request)
            except Exception as error:
                if code_of(error) not in CONDITION_FAILED:
                    failure = too_large(error)
                    if failure is None:
                        raise
                    raise failure from error
                refused = error
            image = await self.image_in(writer, item_in(refused))
            try:
                request = writer.under(image)
            except CloudError as failure:
                raise with_facts(failure, translate(refused)) from refused
        raise contended()


def _read(client: DynamoDBClient, schema: Schema, key: Key, consistent: bool) -> Image:
    place: Any = schema.place(key)
    answer = client.get_item(TableName=schema.info.name, Key=place, ConsistentRead=consistent)
    return ItemCodec(schema).image(answer.get("Item"))


def _send(client: DynamoDBClient, request: Request) -> RawItem:
    arguments: Any = request.arguments
    if request.kind == "Put":
        client.put_item(**arguments)
        item: RawItem = arguments["Item"]
        return item
    if request.kind == "Delete":
        client.delete_item(**arguments)
    else:
        return client.update_item(**arguments, ReturnValues="ALL_NEW")["Attributes"]
    return {}
