"""Writes that fail, each for a reason of its own, to be put into transactions."""

from __future__ import annotations

from collections.abc import Callable

from cloudkit.api.kv import Check, Delete, Key, Put, TransactWrite, Update, attr
from cloudkit.common import CloudError, NotFoundError, PreconditionFailedError, ValidationError

FAILING: dict[str, tuple[type[CloudError], Callable[[Key, Key], TransactWrite]]] = {
    "check of a condition": (
        PreconditionFailedError,
        lambda there, missing: Check(key=there, condition=attr("n") > 1),
    ),
    "check of a condition on a missing item": (
        PreconditionFailedError,
        lambda there, missing: Check(key=missing, condition=attr("n").exists()),
    ),
    "check of a version": (
        PreconditionFailedError,
        lambda there, missing: Check(key=there, if_version="stale"),
    ),
    "check that a missing item exists": (
        PreconditionFailedError,
        lambda there, missing: Check(key=missing, exists=True),
    ),
    "check that an item is missing": (
        PreconditionFailedError,
        lambda there, missing: Check(key=there, exists=False),
    ),
    "put with a stale version": (
        PreconditionFailedError,
        lambda there, missing: Put(key=there, document={}, if_version="stale"),
    ),
    "put of a version that is gone": (
        PreconditionFailedError,
        lambda there, missing: Put(key=missing, document={}, if_version="stale"),
    ),
    "put where there is one": (
        PreconditionFailedError,
        lambda there, missing: Put(key=there, document={}, if_absent=True),
    ),
    "put on a condition": (
        PreconditionFailedError,
        lambda there, missing: Put(key=there, document={}, condition=attr("n") != 1),
    ),
    "delete with a stale version": (
        PreconditionFailedError,
        lambda there, missing: Delete(key=there, if_version="stale"),
    ),
    "delete on a condition": (
        PreconditionFailedError,
        lambda there, missing: Delete(key=there, condition=attr("n") != 1),
    ),
    "delete of a missing item": (
        NotFoundError,
        lambda there, missing: Delete(key=missing, missing_ok=False),
    ),
    "update with a stale version": (
        PreconditionFailedError,
        lambda there, missing: Update(key=there, set={"n": 2}, if_version="stale"),
    ),
    "update on a condition": (
        PreconditionFailedError,
        lambda there, missing: Update(key=there, set={"n": 2}, condition=attr("n") != 1),
    ),
    "update of a missing item": (
        NotFoundError,
        lambda there, missing: Update(key=missing, increment={"n": 1}),
    ),
    "increment of a text": (
        ValidationError,
        lambda there, missing: Update(key=there, increment={"text": 1}),
    ),
    "update inside something absent": (
        ValidationError,
        lambda there, missing: Update(key=there, set={"absent.inner": 1}),
    ),
}
"""What fails → how, and the write, given an item ``{"n": 1, "text": "a"}`` and one that is missing."""
