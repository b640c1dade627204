"""Statements that define tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from emulators.oracle.errors import invalid
from emulators.oracle.nosql.tokens import Words

TYPES = ("STRING", "INTEGER", "LONG", "DOUBLE", "BOOLEAN", "JSON")
KEY_TYPES = ("STRING", "INTEGER", "LONG")
MAX_COLUMNS, MAX_FIELD_NAME, MAX_TABLE_NAME = 50, 64, 256


@dataclass(frozen=True)
class Definition:
    """A table as it is defined.

    Attributes:
        name: As it was first written.
        columns: Name → type.
        primary: Names of the columns of the primary key.
        shard: Those of them that say where a row is kept.
        ttl: Days that a row lives; None when nothing is said.
        if_absent: Whether a table that is there already is fine.
    """

    name: str
    columns: dict[str, str]
    primary: tuple[str, ...]
    shard: tuple[str, ...]
    ttl: int | None = None
    if_absent: bool = False

    def column(self, name: str) -> str | None:
        """A column's own name; case does not matter. None when there is none."""
        return next((each for each in self.columns if each.lower() == name.lower()), None)


def created(statement: str) -> Definition:
    """The table of a CREATE TABLE.

    Raises:
        OracleError: It is none, or against a rule.
    """
    words = Words(statement)
    words.expect("CREATE", "TABLE")
    if_absent = words.comes("IF", "NOT", "EXISTS")
    name = words.name()
    words.expect("(")
    columns: dict[str, str] = {}
    keys: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def part() -> None:
        if words.comes("PRIMARY", "KEY"):
            keys.append(_primary(words))
            return
        column = words.name()
        if column.lower() in {each.lower() for each in columns}:
            raise invalid(f"Error: column {column} is defined twice")
        columns[column] = _type(words)

    words.several(part)
    words.expect(")")
    ttl = _ttl(words)
    words.end()
    if len(keys) != 1:
        raise invalid("Error: a table needs one primary key")
    return _checked(Definition(name, columns, *keys[0], ttl, if_absent))


def altered(statement: str, before: Definition) -> Definition:
    """The table after an ALTER TABLE.

    Raises:
        OracleError: It is none, is about another table, or against a rule.
    """
    words = Words(statement)
    words.expect("ALTER", "TABLE")
    if words.name().lower() != before.name.lower():
        raise invalid("The table of the statement is another than that of the request")
    if words.comes("("):
        columns = dict(before.columns)

        def part() -> None:
            if words.comes("ADD"):
                column = words.name()
                if before.column(column) is not None:
                    raise invalid(f"Error: the field {column} exists already")
                columns[column] = _type(words)
                return
            words.expect("DROP")
            gone = before.column(words.name())
            if gone is None or gone in before.primary:
                raise invalid(f"Error: {gone} cannot be dropped")
            del columns[gone]

        words.several(part)
        words.expect(")")
        after = replace(before, columns=columns)
    else:
        after = replace(before, ttl=_ttl(words))
    words.end()
    return _checked(after)


def _type(words: Words) -> str:
    found = words.name().upper()
    if found not in TYPES:
        raise invalid(f"The double knows no type {found}")
    return found


def _primary(words: Words) -> tuple[tuple[str, ...], tuple[str, ...]]:
    words.expect("(")
    shard: list[str] = []
    if words.comes("SHARD"):
        words.expect("(")
        shard = words.several(words.name)
        words.expect(")")
        rest = words.several(words.name) if words.comes(",") else []
    else:
        rest = words.several(words.name)
    words.expect(")")
    primary = (*shard, *rest)
    return primary, tuple(shard) or primary


def _ttl(words: Words) -> int | None:
    if not words.comes("USING", "TTL"):
        return None
    count = int(words.take(r"\d+"))
    if words.comes("HOURS"):
        return -(-count // 24)
    words.expect("DAYS")
    return count


def _checked(definition: Definition) -> Definition:
    if len(definition.name) > MAX_TABLE_NAME:
        raise invalid(f"The length of the table name exceeds {MAX_TABLE_NAME}")
    if len(definition.columns) > MAX_COLUMNS:
        raise invalid(f"A table has at most {MAX_COLUMNS} columns")
    for name in definition.columns:
        if not re.fullmatch(rf"\w{{1,{MAX_FIELD_NAME}}}", name):
            raise invalid(f"The name of the field {name} is too long")
    for name in definition.primary:
        if definition.columns.get(definition.column(name) or "") not in KEY_TYPES:
            raise invalid(f"Error: {name} cannot be a part of the primary key")
    return definition
