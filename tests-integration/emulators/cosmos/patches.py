"""Partial updates of an item."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulators.cosmos.errors import CosmosError, changed, errors_of, invalid
from emulators.cosmos.evaluation import evaluate
from emulators.cosmos.parser import parse_condition
from emulators.cosmos.values import number

MAX_OPERATIONS = 10
_OWN = {"id", "_rid", "_self", "_etag", "_ts", "_attachments"}


def patched(
    item: Mapping[str, Any], body: Any, key_paths: Sequence[tuple[str, ...]]
) -> dict[str, Any]:
    """An item as it is after a patch.

    Args:
        item: As it is now.
        body: ``operations``, and maybe a ``condition``.
        key_paths: Those of the partition key, which cannot be patched.

    Raises:
        CosmosError: The condition does not hold (412), or the patch is wrong (400).
    """
    if not isinstance(body, dict) or not isinstance(body.get("operations"), list):
        raise invalid("Patch request has no operations.")
    operations = body["operations"]
    if not 0 < len(operations) <= MAX_OPERATIONS:
        raise invalid(
            f"The number of patch operations can't exceed '{MAX_OPERATIONS}', and one is needed."
        )
    condition = body.get("condition")
    if condition and evaluate(parse_condition(condition), item) is not True:
        raise changed()
    new = copy.deepcopy(dict(item))
    for operation in operations:
        steps = _steps(operation.get("path"), key_paths)
        _apply(new, operation, steps, key_paths)
    return new


def _apply(
    item: dict[str, Any],
    operation: Mapping[str, Any],
    steps: list[str],
    key_paths: Sequence[tuple[str, ...]],
) -> None:
    kind = operation.get("op")
    if kind == "move":
        source = _steps(operation.get("from"), key_paths)
        value = _place(item, source).take()
        _place(item, steps).add(value)
        return
    if kind == "remove":
        _place(item, steps).take()
        return
    change: Callable[[_Place], Callable[[Any], None]] | None = _CHANGES.get(str(kind))
    if change is None:
        raise invalid(f"Patch operation {kind!r} is unknown.")
    if "value" not in operation:
        raise invalid("Patch operation has no value.")
    change(_place(item, steps))(operation["value"])


def _steps(path: Any, key_paths: Sequence[tuple[str, ...]]) -> list[str]:
    if not isinstance(path, str) or not path.startswith("/") or path == "/":
        raise invalid(f"The path {path!r} of a patch operation is invalid.")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    own = steps[0] in _OWN
    if own or any(tuple(steps) == key[: len(steps)] for key in key_paths):
        raise invalid(errors_of(f"Cannot patch system property or partition key '{path}'."))
    return steps


class _Place:
    """A member of an object, or of an array."""

    def __init__(self, parent: dict[str, Any] | list[Any], step: str) -> None:
        self._parent = parent
        self._step = step

    def add(self, value: Any) -> None:
        if isinstance(self._parent, dict):
            self._parent[self._step] = value
        elif self._step == "-":
            self._parent.append(value)
        else:
            self._parent.insert(self._index(len(self._parent)), value)

    def set(self, value: Any) -> None:
        if isinstance(self._parent, list) and self._step != "-":
            self._parent[self._index(len(self._parent) - 1)] = value
        else:
            self.add(value)

    def replace(self, value: Any) -> None:
        if isinstance(self._parent, dict) and self._step not in self._parent:
            raise _no_path(self._step)
        if isinstance(self._parent, list):
            self._index(len(self._parent) - 1)
        self.set(value)

    def increase(self, value: Any) -> None:
        if not _is_number(value):
            raise invalid("The value of an increment is a number.")
        if isinstance(self._parent, list):
            old = self._parent[self._index(len(self._parent) - 1)]
        else:
            old = self._parent.get(self._step, 0)
        if not _is_number(old):
            raise invalid(errors_of(f"'{self._step}' is no number: it cannot be incremented."))
        self.set(number(float(old) + float(value)))

    def take(self) -> Any:
        if isinstance(self._parent, list):
            return self._parent.pop(self._index(len(self._parent) - 1))
        if self._step not in self._parent:
            raise _no_path(self._step)
        return self._parent.pop(self._step)

    def _index(self, last: int) -> int:
        if not self._step.isdecimal() or int(self._step) > last:
            raise _no_path(self._step)
        return int(self._step)


def _place(item: dict[str, Any], steps: list[str]) -> _Place:
    parent: Any = item
    for step in steps[:-1]:
        if isinstance(parent, list) and step.isdecimal() and int(step) < len(parent):
            parent = parent[int(step)]
        elif isinstance(parent, dict) and step in parent:
            parent = parent[step]
        else:
            raise _no_path(step)
    if not isinstance(parent, (dict, list)):
        raise _no_path(steps[-1])
    return _Place(parent, steps[-1])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _no_path(step: str) -> CosmosError:
    return invalid(errors_of(f"For Operation: path '{step}' does not exist in the item."))


_CHANGES: dict[str, Callable[[_Place], Callable[[Any], None]]] = {
    "add": lambda place: place.add,
    "set": lambda place: place.set,
    "replace": lambda place: place.replace,
    "incr": lambda place: place.increase,
}
