"""Tables: creating, describing, deleting, and remembering their schemas."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cloudkit.api.kv import TableInfo
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.cosmos.answers import is_missing_table, is_stale, with_facts
from cloudkit.azure.cosmos.client import CosmosAccount
from cloudkit.azure.cosmos.schema import (
    KEEPS_TTL,
    MisfitError,
    Schema,
    check_names,
    definition_of,
)
from cloudkit.azure.errors import status_of
from cloudkit.common import AlreadyExistsError, NotFoundError

T = TypeVar("T")


class Tables:
    """The tables of one client.

    Args:
        clients: Calls the service.
    """

    def __init__(self, clients: AzureClients) -> None:
        self._clients = clients
        self._schemas: dict[str, Schema] = {}

    async def using(self, table: str, func: Callable[[Schema], Awaitable[T]]) -> T:
        """Call a function with a table's schema; again, if that turns out to be an old one.

        Args:
            table: Name of the table.
            func: Makes requests about it. What does not fit the schema is refused, here or there.

        Raises:
            NotFoundError: There is no such table.
            ValidationError: CloudKit cannot use it.
        """
        remembered = self._schemas.get(table)
        if remembered is None:
            return await func(await self.schema(table))
        try:
            return await func(remembered)
        except Exception as error:
            if not is_stale(error) and not isinstance(error, MisfitError):
                raise
            self.forget(table)
            current = await self.schema(table)
            if isinstance(error, MisfitError) and current == remembered:
                raise
        return await func(current)

    async def schema(self, table: str) -> Schema:
        """The schema of a table whose items can be read and written.

        Raises:
            NotFoundError: There is no such table.
            ValidationError: CloudKit cannot use it.
        """
        known = self._schemas.get(table)
        if known is None:
            known = await self._describe(table)
            known.check_usable()
            self._schemas[table] = known
        return known

    def forget(self, table: str) -> None:
        """The schema may have changed."""
        self._schemas.pop(table, None)

    async def info(self, table: str) -> TableInfo:
        """A table as it is now.

        Raises:
            NotFoundError: There is no such table.
        """
        self.forget(table)
        return (await self._describe(table)).info

    async def create(self, info: TableInfo) -> None:
        """Create a table, and the database if there is none.

        Raises:
            AlreadyExistsError: There is a table of this name.
            ValidationError: Its keys cannot have these names.
        """
        check_names(info)
        self.forget(info.name)
        try:
            await self._clients.run("cosmos", _create, info)
        except Exception as error:
            if status_of(error) != 409:
                raise
            failure = AlreadyExistsError(f"there is a table {info.name!r} already")
            raise with_facts(failure, error) from error

    async def delete(self, table: str) -> None:
        """Delete a table with its items.

        Raises:
            NotFoundError: There is none.
        """
        self.forget(table)
        try:
            await self._clients.run("cosmos", _delete, table)
        except Exception as error:
            raise self._named(table, error) from error

    async def all(self) -> list[TableInfo]:
        """All tables, by name."""
        found = await self._clients.run("cosmos", _list)
        return sorted((Schema.of(properties).info for properties in found), key=_name)

    async def _describe(self, table: str) -> Schema:
        try:
            return Schema.of(await self._clients.run("cosmos", _read, table))
        except Exception as error:
            raise self._named(table, error) from error

    def _named(self, table: str, error: Exception) -> Exception:
        if not is_missing_table(error):
            return error
        return with_facts(NotFoundError(f"there is no table {table!r}"), error)


def _name(info: TableInfo) -> str:
    return info.name


def _create(account: CosmosAccount, info: TableInfo) -> None:
    from azure.cosmos import PartitionKey

    options: Any = {
        "id": info.name,
        "partition_key": PartitionKey(f"/{info.partition_key}"),
        "indexing_policy": definition_of(info),
        "default_ttl": KEEPS_TTL,
    }
    try:
        account.database.create_container(**options)
    except Exception as error:
        if status_of(error) != 404:
            raise
        _create_database(account)
        account.database.create_container(**options)


def _create_database(account: CosmosAccount) -> None:
    try:
        account.service.create_database(account.database_name)
    except Exception as error:
        if status_of(error) != 409:  # somebody else has done it meanwhile
            raise


def _read(account: CosmosAccount, table: str) -> Any:
    return account.definition(table)


def _delete(account: CosmosAccount, table: str) -> None:
    account.database.delete_container(table)


def _list(account: CosmosAccount) -> list[Any]:
    try:
        return list(account.database.list_containers())
    except Exception as error:
        if not is_missing_table(error):
            raise
        return []  # the database comes with the first table
