"""Whether what stands at a key allows a write, for services that cannot tell by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudkit.api.kv.models import Check, Delete, Item, Keep, Put, TransactWrite, Update
from cloudkit.common import NotFoundError, PreconditionFailedError, utc_now


def judge(write: TransactWrite, item: Item | None) -> None:
    """What stands at the key allows the write.

    Args:
        write: What is to be done.
        item: What stands there; None for nothing, or for what has expired.

    Raises:
        NotFoundError: There is nothing, and there must be.
        PreconditionFailedError: Something that the write asks for does not hold.
    """
    if item is None and needs_item(write):
        if isinstance(write, Check):
            raise PreconditionFailedError("the item does not exist")
        raise NotFoundError(f"there is no item {write.key}")
    if item is not None and isinstance(write, Put) and write.if_absent:
        raise PreconditionFailedError("the item exists already")
    if item is not None and isinstance(write, Check) and write.exists is False:
        raise PreconditionFailedError("the item exists")
    if write.if_version is not None:
        if item is None:
            raise PreconditionFailedError("there is no such item, so it has not that version")
        if item.version != write.if_version:
            raise PreconditionFailedError("the item has another version: it was written since")
    document = {} if item is None else item.document
    if write.condition is not None and not write.condition.matches(document):
        raise PreconditionFailedError("the condition does not hold for the item")


def needs_item(write: TransactWrite) -> bool:
    """Whether there must be an item for the write to have a meaning."""
    match write:
        case Update():
            return True
        case Delete():
            return not write.missing_ok
        case Check():
            return write.exists is True
        case _:
            return False


def moment_after(expires_in: float | Keep | None) -> datetime | None:
    """When an item ends that lives so many seconds from now; None for never."""
    if expires_in is None or isinstance(expires_in, Keep):
        return None
    return utc_now() + timedelta(seconds=expires_in)
