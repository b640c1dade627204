"""The words of a query."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from emulators.cosmos.errors import CosmosError, errors_of, invalid

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<parameter>@\w+)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<mark><=|>=|!=|<>|[-=<>().,\[\]{}:*])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A word.

    Attributes:
        kind: ``"number"``, ``"string"``, ``"parameter"``, ``"name"``, ``"mark"`` or ``"end"``.
        text: As it was written.
        begin: Where it is in the query; ``end`` is where it ends.
    """

    kind: str
    text: str
    begin: int
    end: int

    @property
    def word(self) -> str:
        """In upper case, when it is a name."""
        return self.text.upper() if self.kind == "name" else ""


def tokens_of(text: str) -> list[Token]:
    """The words, and one of kind ``"end"``.

    Raises:
        CosmosError: Something in it is no word (400).
    """
    found: list[Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise wrong_syntax(text[position:].strip()[:20])
        kind = match.lastgroup
        found.append(Token(kind, match[kind], match.start(kind), match.end()))
        position = match.end()
    return [*found, Token("end", "", end, end)]


def string_of(token: Token) -> str:
    """What a string stands for.

    Raises:
        CosmosError: It has a wrong escape (400).
    """
    inner = token.text[1:-1]
    if token.text[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        value: str = json.loads(f'"{inner}"', strict=False)
    except ValueError as error:
        raise wrong_syntax(token.text) from error
    return value


def wrong_syntax(near: str) -> CosmosError:
    """400, with the place."""
    return invalid(errors_of(f"SC1001: Syntax error, incorrect syntax near '{near}'."))
