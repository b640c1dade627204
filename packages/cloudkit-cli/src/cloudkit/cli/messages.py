"""Messages of queues and topics, as commands print and settle them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudkit.cli.output import Output, bytes_field, write_bytes

if TYPE_CHECKING:
    from cloudkit.api import Leases, Message


async def deliver(message: Message, contract: Leases[Any], output: Output, *, keep: bool) -> None:
    """Print a message, and only then take it from its queue.

    A command that is stopped between the two leaves the message: it may come again, and is never lost.

    Args:
        message: The message.
        contract: Where it came from.
        output: Prints it.
        keep: Whether it is given back instead.
    """
    import anyio

    with anyio.CancelScope(shield=True):
        show(message, output)
        await (contract.nack(message) if keep else contract.ack(message))


def show(message: Message, output: Output) -> None:
    """Print a message: its body and the end of a line, or all of it as JSON."""
    if not output.json:
        write_bytes(message.body + b"\n")
        return
    values: dict[str, Any] = {"id": message.id, **bytes_field("body", message.body)}
    values |= {"attributes": dict(message.attributes), "receive_count": message.receive_count}
    values |= {"sent_at": message.sent_at, "group": message.group, "source": str(message.source)}
    if message.dead_letter_reason is not None:
        values["dead_letter_reason"] = message.dead_letter_reason
    output.result(values, "")
