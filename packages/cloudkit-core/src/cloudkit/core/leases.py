"""Leases that end by this machine's clock, where a service takes a late acknowledgement for one in time."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloudkit.api.messaging import Message, Source
from cloudkit.common import ConflictError, PreconditionFailedError, utc_now

LATENCY = timedelta(seconds=0.25)
"""How long before its answer came a receive may have leased, when it waited before that."""


def leased_until(began: datetime, length: float) -> datetime:
    """When a lease ends whose messages have just come, to be on the safe side.

    Args:
        began: When the request was sent.
        length: Of the lease, in seconds.
    """
    return max(began, utc_now() - LATENCY) + timedelta(seconds=length)


def lateness(message: Message) -> PreconditionFailedError | None:
    """The error for a message whose lease has ended; None as long as it has not."""
    if message.leased_until is None or utc_now() < message.leased_until:
        return None
    return PreconditionFailedError("the lease has ended, so the message may be somebody else's now")


def check_lease(message: Message) -> None:
    """Refuse to settle a message that may be somebody else's by now.

    Raises:
        PreconditionFailedError: Its lease has ended.
    """
    error = lateness(message)
    if error is not None:
        raise error


def no_dead_letters(source: Source) -> ConflictError:
    """The error for a message that there is no place for.

    Args:
        source: The queue or subscription.
    """
    return ConflictError(
        f"{source} has no place for dead letters",
        hint="Create it with dead_letter=DeadLetterPolicy(...).",
    )
