"""What is remembered of tables, and doubted when the service finds fault with it."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")
SchemaT = TypeVar("SchemaT")


@frozen
class _Known(Generic[SchemaT]):
    schema: SchemaT
    until: float


class SchemaCache(ABC, Generic[SchemaT]):
    """The schemas of the tables that a client has used.

    Somebody else may delete a table and make another of its name. So what fails with a remembered
    schema, in a way that this could have done, is tried again with the one of now.

    Args:
        seconds: How long a schema is believed without another look.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._seconds = seconds
        self._known: dict[str, _Known[SchemaT]] = {}

    async def using(self, table: str, func: Callable[[SchemaT], Awaitable[T]]) -> T:
        """Call a function with a table's schema; again, if that turns out to be an old one.

        Args:
            table: Name of the table.
            func: Makes requests about it. What does not fit the schema is refused, here or there.

        Raises:
            NotFoundError: There is no such table.
            ValidationError: CloudKit cannot use it.
        """
        known = self._known.get(table)
        if known is None or known.until < time.monotonic():
            return await func(await self.look_up(table))
        try:
            return await func(known.schema)
        except Exception as error:
            if not self._is_doubtful(error):
                raise
            current = await self.look_up(table)
            if current == known.schema and not self._is_replaced(error):
                raise
        return await func(current)

    async def look_up(self, table: str) -> SchemaT:
        """The schema of a table as it is now.

        Raises:
            NotFoundError: There is no such table.
            ValidationError: CloudKit cannot use it.
        """
        self.forget(table)
        schema = await self._find(table)
        self.remember(table, schema)
        return schema

    def remember(self, table: str, schema: SchemaT) -> None:
        """Believe a schema from now on."""
        self._known[table] = _Known(schema, time.monotonic() + self._seconds)

    def forget(self, table: str) -> None:
        """The schema may have changed."""
        self._known.pop(table, None)

    @abstractmethod
    async def _find(self, table: str) -> SchemaT:
        """Ask the service for a table whose items can be read and written.

        Raises:
            NotFoundError: There is no such table.
            ValidationError: CloudKit cannot use it.
        """

    @abstractmethod
    def _is_doubtful(self, error: Exception) -> bool:
        """Whether an error may come of a schema that is no longer the table's."""

    def _is_replaced(self, error: Exception) -> bool:
        """Whether it tells that there is another table now, though its schema may be the same."""
        return False
