"""How to ask queues and subscriptions for what each of their capabilities stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudkit.api.messaging import Leases, Message, Source
from cloudkit.testing.suite import Refusal


def unsent_message(source: Source) -> Message:
    """A message that nobody ever sent, to make calls about that must not be sent either."""
    return Message(id="ck-never-sent", body=b"", source=source, lease="ck-never-sent")


def lease_refusals(source: Source) -> Mapping[str, Refusal]:
    """Calls about a lease.

    Args:
        source: Where the message of the calls comes from; it need not exist.
    """
    message = unsent_message(source)

    async def extend(contract: Leases[Any]) -> None:
        await contract.extend(message, contract.capabilities.min_visibility_seconds)

    async def nack_later(contract: Leases[Any]) -> None:
        await contract.nack(message, delay=1)

    async def dead_letter(contract: Leases[Any]) -> None:
        await contract.dead_letter(message)

    return {"extend": extend, "nack_delay": nack_later, "dead_letter": dead_letter}
