"""Updates: what Python made of the item, written to the fields that changed and to no others.

Firestore's own increments are not used: they replace what is no number, and end silently at 64 bits,
where the contract wants an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cloudkit.api.kv import Item, Update, Value
from cloudkit.api.kv.paths import MISSING, Path, look_up
from cloudkit.gcp.firestore.items import Fields
from cloudkit.gcp.firestore.values import encode, mapped, stored_name

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def field_path(path: Path) -> str:
    """A path in a document, as Firestore writes it: ``address.`post code` ``."""
    return ".".join(_quoted(stored_name(name)) for name in path)


def changed_fields(
    write: Update, before: Item, after: Mapping[str, Value]
) -> tuple[Fields, list[str]]:
    """The fields that an update writes, and the paths that it changes.

    Args:
        write: The update.
        before: The item as it is stored.
        after: The document as it is to be.
    """
    fields: dict[str, Any] = {}
    paths = []
    for path in (*write.set, *write.increment):
        _place(fields, tuple(map(stored_name, path)), encode(look_up(after, path)))
        paths.append(field_path(path))
    # Of what is not there nothing is said: something else that stands in the way would be replaced.
    there = (path for path in write.remove if look_up(before.document, path) is not MISSING)
    paths.extend(map(field_path, there))
    return fields, paths


def _place(fields: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        fields = fields.setdefault(name, mapped({}))["map_value"]["fields"]
    fields[path[-1]] = value


def _quoted(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    inner = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{inner}`"
