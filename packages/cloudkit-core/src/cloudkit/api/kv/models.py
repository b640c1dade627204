"""What KeyValueStore takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.paths import Path
from cloudkit.api.kv.updates import check_disjoint, check_increments, checked_changes, checked_path
from cloudkit.api.kv.values import Document, Value, checked_document
from cloudkit.api.validation import text
from cloudkit.common import Duration, ValidationError, seconds, utc_now


@frozen(order=True)
class Key:
    """What an item is found by.

    Attributes:
        partition: Items of one partition are kept together, and can be queried together.
        sort: Their place inside it, for tables with a sort key; else None.
    """

    partition: str
    sort: str | None = None

    def __attrs_post_init__(self) -> None:
        text(self.partition, "the partition key")
        if self.sort is not None:
            text(self.sort, "the sort key")

    @classmethod
    def of(cls, value: Any) -> Key:
        """A key from a text, from a (partition, sort) pair, or the key itself.

        Raises:
            ValidationError: It is none of these.
        """
        if isinstance(value, Key):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, tuple) and len(value) == 2:
            return cls(*value)
        raise ValidationError(f"{value!r} is not a key: a str, a Key or a (partition, sort) pair")

    def __str__(self) -> str:
        return self.partition if self.sort is None else f"{self.partition}/{self.sort}"


KeyLike: TypeAlias = str | tuple[str, str] | Key


def to_key(value: Any) -> Key:
    """``Key.of`` in the form that attrs takes for a converter."""
    return Key.of(value)


@frozen(kw_only=True)
class TableInfo:
    """A table.

    Attributes:
        name: Its name.
        partition_key: Name of the partition key at the service.
        sort_key: Name of the sort key at the service, or None where items have none.
    """

    name: str
    partition_key: str = "pk"
    sort_key: str | None = None

    def check_key(self, key: Key) -> None:
        """The key has a sort key just where the table has one.

        Raises:
            ValidationError: It has not.
        """
        if self.sort_key is not None and key.sort is None:
            raise ValidationError(
                f"table {self.name!r} has the sort key {self.sort_key!r}: give Key(partition, sort)"
            )
        if self.sort_key is None and key.sort is not None:
            raise ValidationError(f"table {self.name!r} has no sort key: give the partition only")


@frozen(kw_only=True)
class Item(Mapping[str, Value]):
    """A document with what the store knows of it. Reads like the document: ``item["name"]``.

    It is always true, also with an empty document, so that ``if item := await kv.get(...)`` finds it.

    Attributes:
        key: What it is found by.
        document: The values; it is yours to change.
        version: Opaque token that changes with every write; for ``if_version``.
        expires_at: When it vanishes (aware UTC), or None.
    """

    key: Key
    document: dict[str, Value]
    version: str
    expires_at: datetime | None = None

    def __getitem__(self, name: str) -> Value:
        return self.document[name]

    def __iter__(self) -> Any:
        return iter(self.document)

    def __len__(self) -> int:
        return len(self.document)

    def __bool__(self) -> bool:
        # ``if item := await kv.get(...)`` asks whether there is one, and not what it holds.
        return True

    @property
    def expired(self) -> bool:
        """Whether its time is over, although the service may not have deleted it yet."""
        return self.expires_at is not None and self.expires_at <= utc_now()

    @property
    def expires_in(self) -> float | None:
        """Seconds that are left, for ``put(..., expires_in=item.expires_in)``; None for no end.

        Never below a millisecond nor above 68 years, which is what ``put`` takes.
        """
        if self.expires_at is None:
            return None
        left = (self.expires_at - utc_now()).total_seconds()
        return min(max(left, MIN_EXPIRES_SECONDS), MAX_EXPIRES_SECONDS)


class Keep(Enum):
    """Stands for "as it is", where None means "not at all"."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
ExpiryChange: TypeAlias = Duration | Literal[Keep.KEEP] | None


MIN_EXPIRES_SECONDS = 0.001
"""The shortest time to live."""

MAX_EXPIRES_SECONDS = 2.0**31 - 1
"""The longest time to live that all services take: 68 years."""


def _to_seconds(value: Duration | None) -> float | None:
    if value is None:
        return None
    return seconds(value, "expires_in", minimum=MIN_EXPIRES_SECONDS, maximum=MAX_EXPIRES_SECONDS)


def _to_change(value: ExpiryChange) -> float | Literal[Keep.KEEP] | None:
    return value if isinstance(value, Keep) else _to_seconds(value)


def _to_changes(value: Mapping[Any, Value] | None) -> dict[Path, Value]:
    return checked_changes(value, "the update")


def _to_paths(value: Any) -> tuple[Path, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValidationError(f"remove takes a list of paths, not {value!r}")
    return tuple(checked_path(path) for path in value)


def _check_condition(instance: object, attribute: object, value: Any) -> None:
    if value is not None and not isinstance(value, Condition):
        raise ValidationError("a condition is made with attr('name'): attr('age') >= 18")


def _check_optional_text(instance: object, attribute: Any, value: Any) -> None:
    if value is not None:
        text(value, attribute.name)


@frozen(kw_only=True)
class Write:
    """Base of the writes of batches and transactions.

    Attributes:
        key: Which item.
        table: Another table than that of the call, in a transaction.
        if_version: Only while the item has this version.
        condition: Only while this holds for the document (one that is missing counts as empty).
    """

    key: Key = field(converter=to_key)
    table: str | None = field(default=None, validator=_check_optional_text)
    if_version: str | None = field(default=None, validator=_check_optional_text)
    condition: Condition | None = field(default=None, validator=_check_condition)

    @property
    def conditional(self) -> bool:
        """Whether it only happens when something holds."""
        return self.if_version is not None or self.condition is not None


@frozen(kw_only=True)
class Put(Write):
    """Write an item as a whole.

    Attributes:
        document: Its new values.
        if_absent: Only when there is none.
        expires_in: Seconds (or a timedelta) until it vanishes; None for never.
    """

    document: Document = field(converter=checked_document)
    if_absent: bool = False
    expires_in: float | None = field(default=None, converter=_to_seconds)

    def __attrs_post_init__(self) -> None:
        if self.if_absent and self.if_version is not None:
            raise ValidationError("if_absent and if_version exclude each other")

    @property
    def conditional(self) -> bool:
        """Whether it only happens when something holds."""
        return self.if_absent or super().conditional


@frozen(kw_only=True)
class Delete(Write):
    """Delete an item; a missing one is fine.

    Attributes:
        missing_ok: Whether a missing one is fine.
    """

    missing_ok: bool = True


@frozen(kw_only=True)
class Update(Write):
    """Change parts of an item that exists.

    Attributes:
        set: Path → new value.
        increment: Path → number to add; what is missing counts as 0.
        remove: Paths that go.
        expires_in: A new time to live, None for none, KEEP to leave it.
    """

    set: Mapping[Path, Value] = field(factory=dict, converter=_to_changes)
    increment: Mapping[Path, Value] = field(factory=dict, converter=_to_changes)
    remove: tuple[Path, ...] = field(default=(), converter=_to_paths)
    expires_in: float | Literal[Keep.KEEP] | None = field(default=KEEP, converter=_to_change)

    def __attrs_post_init__(self) -> None:
        check_increments(self.increment)
        check_disjoint([*self.set, *self.increment, *self.remove])
        if not (self.set or self.increment or self.remove) and self.expires_in is KEEP:
            raise ValidationError("an update needs something to set, increment, remove or expire")


@frozen(kw_only=True)
class Check(Write):
    """Change nothing, but let the transaction fail where this does not hold.

    Attributes:
        exists: Whether the item must, or must not, exist; None to ask only for the condition.
    """

    exists: bool | None = None

    def __attrs_post_init__(self) -> None:
        if not self.conditional and self.exists is None:
            raise ValidationError("a check needs a condition, a version or exists")
        if self.exists is False and self.conditional:
            raise ValidationError("an item that must not exist can meet no other condition")


BatchWrite: TypeAlias = Put | Delete
TransactWrite: TypeAlias = Put | Delete | Update | Check
