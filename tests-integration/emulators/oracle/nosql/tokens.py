"""Statements cut into words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from emulators.oracle.errors import OracleError, invalid

T = TypeVar("T")

MAX_STATEMENT = 10 * 1024
RESERVED = {
    *("CASCADE", "DIV", "FALSE", "FORCE", "JOIN", "LEFT", "MAXVALUE", "MINVALUE", "MR_COUNTER"),
    *("NAMESPACE", "NULL", "ONLY", "OUTER", "TRUE", "UUID"),
}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<word>\$?[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>\d+)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<sign>=any|<=|>=|!=|[-=<>(),;.*])
    )""",
    re.VERBOSE,
)


class Words:
    """The words of a statement, taken from the left.

    Args:
        statement: All of it.

    Raises:
        OracleError: It is too long, or not made of words.
    """

    def __init__(self, statement: str) -> None:
        if len(statement.encode()) > MAX_STATEMENT:
            raise invalid("The length of the statement exceeds the limit of 10240")
        self._words: list[str] = []
        position, end = 0, len(statement.rstrip())
        while position < end:
            found = _TOKEN.match(statement, position)
            if found is None:
                raise _syntax(statement[position : position + 20])
            self._words.append(found[0].strip())
            position = found.end()

    @property
    def next(self) -> str:
        """The word that comes; empty at the end."""
        return self._words[0] if self._words else ""

    def comes(self, *words: str) -> bool:
        """Take these words if they come next, in any case."""
        if [each.upper() for each in self._words[: len(words)]] != list(words):
            return False
        del self._words[: len(words)]
        return True

    def expect(self, *words: str) -> None:
        """Take these words.

        Raises:
            OracleError: Others come.
        """
        if not self.comes(*words):
            raise _syntax(self.next)

    def take(self, pattern: str) -> str:
        """Take a word of a form.

        Raises:
            OracleError: One of another form comes.
        """
        if not re.fullmatch(pattern, self.next):
            raise _syntax(self.next)
        return self._words.pop(0)

    def name(self) -> str:
        """Take a name."""
        if self.next.upper() in RESERVED:
            raise _syntax(self.next)
        return self.take(r"[A-Za-z][A-Za-z0-9_]*")

    def several(self, take: Callable[[], T]) -> list[T]:
        """Take what commas stand between."""
        result = [take()]
        while self.comes(","):
            result.append(take())
        return result

    def end(self) -> None:
        """Nothing comes any more.

        Raises:
            OracleError: Something does.
        """
        self.comes(";")
        if self._words:
            raise _syntax(self.next)


def _syntax(near: str) -> OracleError:
    return invalid(f"Error: syntax error near {near!r}")
