"""Which of the things below a source are meant: ``--include`` and ``--exclude``."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import click
from attrs import frozen

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@frozen
class Selection:
    """A choice by patterns with ``*``, ``?`` and ``[…]``.

    A pattern without a slash is compared with the name alone, one with a slash with the whole path
    below the source, where ``*`` stands for slashes too.

    Attributes:
        include: Only what one of these fits; everything when there are none.
        exclude: But nothing that one of these fits.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, relative: str) -> bool:
        """Whether something is meant.

        Args:
            relative: Its path below the source.
        """
        if self.include and not _fits(relative, self.include):
            return False
        return not _fits(relative, self.exclude)

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)


def selecting(command: FunctionT) -> FunctionT:
    """Give a command the options ``--include`` and ``--exclude``."""
    for name, text in (
        ("--exclude", "Not what this fits; wins."),
        ("--include", "With -r: only what this fits, such as '*.jpg'; several are possible."),
    ):
        command = click.option(name, multiple=True, metavar="PATTERN", help=text)(command)
    return command


def _fits(relative: str, patterns: tuple[str, ...]) -> bool:
    name = relative.rpartition("/")[2]
    return any(fnmatchcase(relative if "/" in one else name, one) for one in patterns)
