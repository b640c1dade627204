"""Carries writes out: asks, looks at what refused it, and asks again as long as that is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudkit.common import CloudError
from cloudkit.core.writes import ATTEMPTS, contended, pause, with_facts
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.errors import translate
from cloudkit.gcp.firestore.answers import is_refusal
from cloudkit.gcp.firestore.items import Image
from cloudkit.gcp.firestore.writes import Request, Writer, Written

if TYPE_CHECKING:
    from cloudkit.gcp.firestore.client import FirestoreClient


async def carry_out(clients: GcpClients, writer: Writer) -> Written:
    """Carry out a write.

    Raises:
        CloudError: The item does not allow it, or others were in the way.
    """
    refused: Exception | None = None
    for attempt in range(ATTEMPTS):
        await pause(attempt)
        outcome = await clients.run("firestore", _attempt, writer, refused)
        if isinstance(outcome, Written):
            return outcome
        refused = outcome
    raise contended()


def images(client: FirestoreClient, writers: Sequence[Writer]) -> list[Image]:
    """What stands at the keys of writes, all as of one moment."""
    names = [writer.name(client) for writer in writers]
    found = client.read(names)
    return [
        writer.codec.image(found.get(name)) for writer, name in zip(writers, names, strict=True)
    ]


def _attempt(
    client: FirestoreClient, writer: Writer, refused: Exception | None
) -> Written | Exception:
    """One attempt; what the service said when it refused it."""
    request = writer.first(client) if refused is None else None
    if request is None:
        request = _judged(client, writer, refused)
    if request.write is None:
        return Written()
    try:
        (update_time,) = client.commit([request.write])
    except Exception as error:
        if not is_refusal(error):
            raise
        return error
    return writer.written(request, update_time)


def _judged(client: FirestoreClient, writer: Writer, refused: Exception | None) -> Request:
    (image,) = images(client, [writer])
    try:
        return writer.under(client, image)
    except CloudError as failure:
        if refused is None:
            raise
        raise with_facts(failure, translate(refused)) from refused
