"""Tables: creating, describing, deleting, and remembering their schemas."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio
from cloudkit.api.kv import TableInfo
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.dynamodb.answers import code_of
from cloudkit.aws.dynamodb.keys import TTL, Schema
from cloudkit.common import AlreadyExistsError, NotFoundError, ValidationError
from cloudkit.core.schemas import SchemaCache

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

FIRST_LOOK, LONGEST_WAIT = 0.05, 2.0
"""Seconds between two looks at a table that is being made: doubled from the one to the other."""

STALE = frozenset({"ResourceNotFoundException", "ValidationException"})
"""Codes that may mean that the table is not the one that was remembered."""


class Tables(SchemaCache[Schema]):
    """The tables of one client.

    Args:
        clients: Calls the service.
        ttl: Whether new tables are told to delete what has expired.
    """

    def __init__(self, clients: AwsClients, *, ttl: bool) -> None:
        super().__init__()
        self._clients = clients
        self._ttl = ttl

    async def info(self, table: str) -> TableInfo:
        """A table as it is now.

        Raises:
            NotFoundError: There is no such table.
        """
        self.forget(table)
        description = await self._describe(table)
        if description["TableStatus"] == "DELETING":
            raise NotFoundError(f"the table {table!r} is being deleted")
        return Schema.of(description).info

    async def create(self, info: TableInfo) -> None:
        """Create a table, and wait until it can be used.

        Raises:
            AlreadyExistsError: There is one of this name.
        """
        try:
            await self._clients.run("dynamodb", _create, info)
        except Exception as error:
            if code_of(error) != "ResourceInUseException":
                raise
            raise AlreadyExistsError(f"there is a table {info.name!r} already") from error
        await self._wait(lambda: self._is_active(info.name))
        if self._ttl:
            await self._clients.run("dynamodb", _enable_ttl, info.name)
        self.remember(info.name, Schema(info, {}))

    async def delete(self, table: str) -> None:
        """Delete a table, and wait until its name is free."""
        self.forget(table)
        await self._wait(lambda: self._deletes(table))
        await self._wait(lambda: self._is_gone(table))

    async def names(self, size: int, after: str | None) -> tuple[list[str], str | None]:
        """One page of the names, and the name to continue after."""
        return await self._clients.run("dynamodb", _list, size, after)

    async def _find(self, table: str) -> Schema:
        schema = Schema.of(await self._describe(table))
        schema.check_types()
        return schema

    def _is_doubtful(self, error: Exception) -> bool:
        return code_of(error) in STALE or isinstance(error, ValidationError)

    async def _describe(self, table: str) -> Any:
        return await self._clients.run("dynamodb", _describe, table)

    async def _is_active(self, table: str) -> bool:
        try:
            return bool((await self._describe(table))["TableStatus"] == "ACTIVE")
        except Exception as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
        return False  # DescribeTable may be some moments behind CreateTable

    async def _deletes(self, table: str) -> bool:
        try:
            await self._clients.run("dynamodb", _delete, table)
        except Exception as error:
            if code_of(error) != "ResourceInUseException":
                raise
            return False  # it is still being made or changed
        return True

    async def _is_gone(self, table: str) -> bool:
        try:
            await self._describe(table)
        except Exception as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            return True
        return False

    async def _wait(self, done: Callable[[], Awaitable[bool]]) -> None:
        # Without an end of its own: the operation has a deadline.
        wait = FIRST_LOOK
        while not await done():
            await anyio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311  # no secret
            wait = min(2 * wait, LONGEST_WAIT)


def _create(client: DynamoDBClient, info: TableInfo) -> None:
    keys = [(info.partition_key, "HASH")]
    if info.sort_key is not None:
        keys.append((info.sort_key, "RANGE"))
    client.create_table(
        TableName=info.name,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],  # type: ignore[typeddict-item]  # HASH or RANGE
        BillingMode="PAY_PER_REQUEST",
    )


def _enable_ttl(client: DynamoDBClient, table: str) -> None:
    try:
        client.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL},
        )
    except Exception as error:
        # Somebody else has done it between the two requests; the service minds doing it twice.
        if code_of(error) != "ValidationException" or "already enabled" not in str(error):
            raise


def _describe(client: DynamoDBClient, table: str) -> Any:
    return client.describe_table(TableName=table)["Table"]


def _delete(client: DynamoDBClient, table: str) -> None:
    client.delete_table(TableName=table)


def _list(client: DynamoDBClient, size: int, after: str | None) -> tuple[list[str], str | None]:
    arguments: Any = {"Limit": size}
    if after is not None:
        arguments["ExclusiveStartTableName"] = after
    answer = client.list_tables(**arguments)
    return answer["TableNames"], answer.get("LastEvaluatedTableName")
