"""Tables: creating, describing, deleting, and remembering their schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudkit.api.kv import TableInfo
from cloudkit.common import AlreadyExistsError, CloudError, NotFoundError
from cloudkit.core.schemas import SchemaCache
from cloudkit.core.writes import with_facts
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.config import OracleConfig
from cloudkit.oracle.errors import code_of, status_of, translate
from cloudkit.oracle.nosql.answers import is_missing
from cloudkit.oracle.nosql.names import check_columns, own_table, stored_table
from cloudkit.oracle.nosql.schema import MisfitError, Schema
from cloudkit.oracle.nosql.session import Session, run
from cloudkit.oracle.works import finished

GONE = frozenset({"DELETING", "DELETED"})


class Tables(SchemaCache[Schema]):
    """The tables of one client.

    Args:
        clients: Calls the service.
    """

    def __init__(self, clients: OracleClients) -> None:
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
        """Create a table, and wait until it can be used.

        Raises:
            AlreadyExistsError: There is a table of this name, if only by case.
            ValidationError: Its keys cannot have these names.
        """
        check_columns(info)
        self.forget(info.name)
        schema = Schema(info)
        try:
            limits = limits_of(self._clients.config)
            work = await run(self._clients, _create, schema, limits)
            await finished(self._clients, "nosql", work)
        except Exception as error:
            if not _is_taken(error):
                raise
            failure = AlreadyExistsError(f"there is a table {info.name!r} already")
            raise with_facts(failure, translate(error)) from error

    async def delete(self, table: str) -> None:
        """Delete a table with its items, and wait until its name is free.

        Raises:
            NotFoundError: There is none.
        """
        self.forget(table)
        try:
            work = await run(self._clients, _drop, stored_table(table))
        except Exception as error:
            raise _named(table, error) from error
        await finished(self._clients, "nosql", work)

    async def page(self, after: str, size: int) -> tuple[list[TableInfo], str | None]:
        """Some tables, by name, behind one of them; and the last, if there are more."""
        return await run(self._clients, _page, after, size)

    async def _find(self, table: str) -> Schema:
        found = await self._describe(table)
        found.check_usable()
        return found

    def _is_doubtful(self, error: Exception) -> bool:
        return is_stale(error)

    def _is_replaced(self, error: Exception) -> bool:
        return is_missing(error)

    async def _describe(self, table: str) -> Schema:
        try:
            found = await run(self._clients, _describe, stored_table(table))
        except Exception as error:
            raise _named(table, error) from error
        if found is None:
            raise NotFoundError(f"the table {table!r} is still being made, or being deleted")
        return found


def is_stale(error: Exception) -> bool:
    """Whether a table may not be the one that was remembered."""
    if isinstance(error, MisfitError):
        return True
    return not isinstance(error, CloudError) and status_of(error) in {400, 404}


def limits_of(config: OracleConfig) -> Mapping[str, Any]:
    """What a new table may use, as the service takes it."""
    limits: dict[str, Any] = {"max_storage_in_g_bs": config.nosql_storage_gb}
    if config.nosql_on_demand:
        return {**limits, "capacity_mode": "ON_DEMAND"}
    units = {
        "max_read_units": config.nosql_read_units,
        "max_write_units": config.nosql_write_units,
    }
    return {**limits, **units, "capacity_mode": "PROVISIONED"}


def _is_taken(error: Exception) -> bool:
    known = error if isinstance(error, CloudError) else translate(error)
    return isinstance(known, AlreadyExistsError) or code_of(error) == "TableAlreadyExists"


def _named(table: str, error: Exception) -> Exception:
    if not is_missing(error):
        return error
    return with_facts(NotFoundError(f"there is no table {table!r}"), translate(error))


def _create(session: Session, schema: Schema, limits: Mapping[str, Any]) -> str:
    return session.create(schema.table, schema.statement, limits)


def _drop(session: Session, name: str) -> str:
    return session.drop(name)


def _describe(session: Session, name: str) -> Schema | None:
    table = session.table(name)
    gone = table.lifecycle_state in GONE or table.schema is None
    return None if gone else Schema.of(table)


def _page(session: Session, after: str, size: int) -> tuple[list[TableInfo], str | None]:
    # Names are listed without schemas, so that each table of the page has to be asked for.
    named = {own_table(name): name for name, state in session.names() if state not in GONE}
    names = sorted(name for name in named if name > after)
    infos: list[TableInfo] = []
    for name in names[:size]:
        schema = _described(session, named[name])
        if schema is not None:
            infos.append(schema.info)
    return infos, names[size - 1] if len(names) > size else None


def _described(session: Session, name: str) -> Schema | None:
    try:
        return _describe(session, name)
    except Exception as error:
        if not is_missing(error):
            raise
        return None  # somebody has deleted it meanwhile
