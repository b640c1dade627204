"""Tables: creating, describing, deleting, and remembering their schemas."""

from __future__ import annotations

from typing import Any

from cloudkit.api.kv import TableInfo
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.cosmos.answers import is_missing_table, is_stale
from cloudkit.azure.cosmos.client import CosmosAccount
from cloudkit.azure.cosmos.schema import (
    KEEPS_TTL,
    MisfitError,
    Schema,
    check_names,
    definition_of,
)
from cloudkit.azure.errors import status_of, translate
from cloudkit.common import AlreadyExistsError, NotFoundError
from cloudkit.core.schemas import SchemaCache
from cloudkit.core.writes import with_facts


class Tables(SchemaCache[Schema]):
    """The tables of one client.

    Args:
        clients: Calls the service.
    """

    def __init__(self, clients: AzureClients) -> None:
        super().__init__()
        self._clients = clients

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
            raise with_facts(failure, translate(error)) from error

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

    async def _find(self, table: str) -> Schema:
        found = await self._describe(table)
        found.check_usable()
        return found

    def _is_doubtful(self, error: Exception) -> bool:
        return is_stale(error) or isinstance(error, MisfitError)

    def _is_replaced(self, error: Exception) -> bool:
        return is_stale(error)

    async def _describe(self, table: str) -> Schema:
        try:
            return Schema.of(await self._clients.run("cosmos", _read, table))
        except Exception as error:
            raise self._named(table, error) from error

    def _named(self, table: str, error: Exception) -> Exception:
        if not is_missing_table(error):
            return error
        return with_facts(NotFoundError(f"there is no table {table!r}"), translate(error))


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
