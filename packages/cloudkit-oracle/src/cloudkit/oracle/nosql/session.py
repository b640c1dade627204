"""Calls of the SDK's client, in one compartment. Everything here blocks and runs in a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, TypeVarTuple

from attrs import frozen
from cloudkit.oracle.clients import OracleClients

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")

# Texts may hold control characters, which the SDK would take out of answers.
_EXACT: Mapping[str, Any] = {"allow_control_chars": True}

PAGE_SIZE = 100


async def run(clients: OracleClients, func: Callable[[Session, *ArgsT], T], *args: *ArgsT) -> T:
    """Call ``func(session, *args)`` in a worker thread.

    Args:
        clients: The clients.
        func: Makes the calls; blocks.
        *args: What it gets behind the session.
    """
    return await clients.run("nosql", _call, clients, func, *args)


def _call(
    client: Any, clients: OracleClients, func: Callable[[Session, *ArgsT], T], *args: *ArgsT
) -> T:
    return func(Session(client, clients.compartment()), *args)


@frozen
class Found:
    """What stands at a key.

    Attributes:
        row: By columns; None when there is nothing.
        etag: Of the row.
    """

    row: dict[str, Any] | None
    etag: str | None


@frozen
class Session:
    """The SDK's client with the compartment to work in.

    Tables are named by their names at the service.

    Attributes:
        client: The SDK's.
        compartment: OCID.
    """

    client: Any
    compartment: str

    def table(self, name: str) -> Any:
        """The description of a table."""
        return self.client.get_table(name, compartment_id=self.compartment).data

    def names(self) -> list[tuple[str, str]]:
        """Names and states of all tables."""
        found: list[tuple[str, str]] = []
        page: dict[str, str] = {}
        while True:
            answer = self.client.list_tables(self.compartment, limit=PAGE_SIZE, **page)
            found += ((each.name, each.lifecycle_state) for each in answer.data.items)
            if not answer.next_page:
                return found
            page = {"page": answer.next_page}

    def create(self, name: str, statement: str, limits: Mapping[str, Any]) -> str:
        """Have a table made; the OCID of the work request."""
        from oci.nosql.models import (  # type: ignore[import-untyped]
            CreateTableDetails,
            TableLimits,
        )

        details = CreateTableDetails(
            name=name,
            compartment_id=self.compartment,
            ddl_statement=statement,
            table_limits=TableLimits(**limits),
        )
        return _work(self.client.create_table(details))

    def drop(self, name: str) -> str:
        """Have a table deleted; the OCID of the work request."""
        return _work(self.client.delete_table(name, compartment_id=self.compartment))

    def get(self, table: str, key: Mapping[str, str], *, consistent: bool = True) -> Found:
        """The row of a key."""
        answer = self.client.get_row(
            table,
            _key(key),
            compartment_id=self.compartment,
            consistency=_consistency(consistent),
            **_EXACT,
        )
        return Found(answer.data.value or None, answer.headers.get("etag"))

    def put(
        self, table: str, row: Mapping[str, Any], *, days: int, option: str | None, etag: str | None
    ) -> Any:
        """Write a row; the answer has no version where the option has refused it."""
        from oci.nosql.models import UpdateRowDetails

        asked: dict[str, Any] = {} if option is None else {"option": option}
        details = UpdateRowDetails(
            value=dict(row), compartment_id=self.compartment, ttl=days, **asked
        )
        return self.client.update_row(table, details, **_EXACT, **_if_match(etag))

    def delete(self, table: str, key: Mapping[str, str], etag: str | None) -> Any:
        """Delete the row of a key."""
        return self.client.delete_row(
            table, _key(key), compartment_id=self.compartment, **_EXACT, **_if_match(etag)
        )

    def query(
        self,
        statement: str,
        variables: Mapping[str, str | bool],
        *,
        limit: int,
        page: str | None,
        consistent: bool,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """One page of a query, and where the next begins."""
        from oci.nosql.models import QueryDetails

        details = QueryDetails(
            compartment_id=self.compartment,
            statement=statement,
            variables=dict(variables),
            consistency=_consistency(consistent),
        )
        following = {} if page is None else {"page": page}
        answer = self.client.query(details, limit=limit, **_EXACT, **following)
        return answer.data.items or [], answer.next_page or None


def _work(answer: Any) -> str:
    return str(answer.headers["opc-work-request-id"])


def _key(key: Mapping[str, str]) -> list[str]:
    return [f"{column}:{value}" for column, value in key.items()]


def _consistency(consistent: bool) -> str:
    return "ABSOLUTE" if consistent else "EVENTUAL"


def _if_match(etag: str | None) -> Mapping[str, str]:
    return {} if etag is None else {"if_match": etag}
