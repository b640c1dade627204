"""Changes to parts of a document, and what they make of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact, localcontext
from typing import Any, TypeAlias

from cloudkit.api.kv.paths import MISSING, Path, PathLike, dotted, look_up, parse_path
from cloudkit.api.kv.values import RESERVED_PREFIX, Value, checked_value, kind_of
from cloudkit.common import ValidationError

# More digits than any provider keeps, so that a sum is exact or an error, never rounded.
_EXACT = Context(prec=60, traps=[Inexact])

Changes: TypeAlias = Mapping[str, Value] | Mapping[Path, Value] | Mapping[PathLike, Value]
"""Path → value. The three forms are one: a mapping's keys are invariant for type checkers."""


def checked_changes(changes: Changes | None, what: str) -> dict[Path, Value]:
    """Changes by path, with their values checked.

    Raises:
        ValidationError: A path or a value is not acceptable.
    """
    if changes is None:
        return {}
    if not isinstance(changes, Mapping):
        raise ValidationError(f"{what} must be a mapping from paths, not {type(changes).__name__}")
    checked: dict[Path, Value] = {}
    for given, value in changes.items():
        path = checked_path(given)
        if path in checked:
            raise ValidationError(f"{what} names {dotted(path)} twice")
        checked[path] = checked_value(value, f"{what}[{given!r}]", len(path))
    return checked


def checked_path(path: PathLike) -> Path:
    """A path that may be written to.

    Raises:
        ValidationError: It is no path, or reserved.
    """
    parsed = parse_path(path)
    if parsed[0].startswith(RESERVED_PREFIX):
        raise ValidationError(f"names that begin with {RESERVED_PREFIX!r} are reserved: {path}")
    return parsed


def check_increments(increments: Mapping[Path, Value]) -> None:
    """Increments are numbers.

    Raises:
        ValidationError: One is not.
    """
    for path, value in increments.items():
        if kind_of(value) != "number":
            raise ValidationError(f"increment[{dotted(path)!r}] must be a number")


def check_disjoint(paths: Iterable[Path]) -> None:
    """No path is, or stands inside, another.

    Raises:
        ValidationError: Two overlap.
    """
    ordered = sorted(paths)
    for left, right in itertools.pairwise(ordered):
        if right[: len(left)] == left:
            raise ValidationError(f"{dotted(left)} and {dotted(right)} are changed at once")


def apply_update(
    document: Mapping[str, Value],
    *,
    set: Mapping[Path, Value],  # noqa: A002  (the name of the argument of update)
    increment: Mapping[Path, Value],
    remove: Iterable[Path],
) -> dict[str, Value]:
    """The document after an update. Providers agree with this; those without updates call it.

    Raises:
        ValidationError: A number would be added to something else, or a path leads through something
            that is not there. Nothing was changed.
    """
    result: dict[str, Value] = _copy(dict(document))
    for path, value in set.items():
        _parent(result, path)[path[-1]] = _copy(value)
    for path, amount in increment.items():
        _parent(result, path)[path[-1]] = incremented(look_up(result, path), amount, path)
    for path in remove:
        parent = look_up(result, path[:-1]) if path[1:] else result
        if isinstance(parent, dict):
            parent.pop(path[-1], None)
    return result


def incremented(current: Any, amount: Value, path: Path) -> Value:
    """A number plus another; what is missing counts as 0.

    Raises:
        ValidationError: There is something that is no number, a float would meet a Decimal, or the
            sum is no number that can be stored exactly.
    """
    name = dotted(path)
    if current is MISSING:
        return amount
    if kind_of(current) != "number":
        raise ValidationError(f"{name} is a {kind_of(current)}; only a number can be incremented")
    if {type(current), type(amount)} == {float, Decimal}:
        raise ValidationError(f"{name} mixes float and Decimal; increment it by its own type")
    try:
        with localcontext(_EXACT):
            total = current + amount
    except Inexact:
        raise ValidationError(f"{name}: {current} + {amount} has too many digits") from None
    return checked_value(total, name)


def _copy(value: Value) -> Value:
    # What a document is made of is known, so this is several times faster than copy.deepcopy.
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _parent(document: dict[str, Value], path: Path) -> dict[str, Value]:
    parent = look_up(document, path[:-1]) if path[1:] else document
    if not isinstance(parent, dict):
        raise ValidationError(f"{dotted(path[:-1])} is not there, or not a dict; set it first")
    return parent
