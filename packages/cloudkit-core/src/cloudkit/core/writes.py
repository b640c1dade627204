"""Writes of key-value stores that are judged here: how often they are tried, and how they fail."""

from __future__ import annotations

import random
from typing import TypeVar

import anyio
from cloudkit.api.kv.operations import Transact
from cloudkit.common import CloudError, ConflictError

ErrorT = TypeVar("ErrorT", bound=CloudError)

ATTEMPTS = 50
"""How often a write is made of what has been read before others are let win: each of these attempts
failed because somebody else's write succeeded."""

_CALM_ATTEMPTS = 3
_LONGEST_PAUSE = 0.05


async def pause(attempt: int) -> None:
    """Let others write, once an attempt has failed several times.

    Args:
        attempt: Which is next, counted from 0.
    """
    if attempt > _CALM_ATTEMPTS:
        await anyio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  # no secret


def contended() -> ConflictError:
    """The error when all attempts have failed."""
    return ConflictError(
        f"others wrote between reading and writing, {ATTEMPTS} times over",
        retryable=True,
        unprocessed=True,
    )


def with_facts(failure: ErrorT, known: CloudError | None) -> ErrorT:
    """A failure with the service's code, status and request id.

    Args:
        failure: In CloudKit's own words.
        known: What the service said; None where it said nothing.
    """
    if known is not None:
        failure.code, failure.status = known.code, known.status
        failure.request_id = known.request_id
    return failure


def write_failure(op: Transact, index: int, error: CloudError) -> CloudError:
    """Why a transaction failed, with the write that it failed for.

    Args:
        op: The transaction.
        index: Of the write.
        error: What is wrong with it.
    """
    table, key = op.place(op.writes[index])
    kind = type(op.writes[index]).__name__
    return type(error)(
        f"write {index} of the transaction, {kind} of {table}/{key}: {error.message}; "
        "nothing was changed",
        retry_after=error.retry_after,
        retryable=error.retryable,
        unprocessed=error.unprocessed,
        hint=error.hint,
    )
