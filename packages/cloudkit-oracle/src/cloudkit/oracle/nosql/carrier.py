"""Carries writes out: asks, looks at what refused it, and asks again as long as that is right."""

from __future__ import annotations

import random

import anyio
from attrs import frozen
from cloudkit.api.kv import Item
from cloudkit.common import CloudError, ConflictError
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.nosql.answers import is_mismatch, with_facts
from cloudkit.oracle.nosql.session import Session, run
from cloudkit.oracle.nosql.writes import Writer

ATTEMPTS = 50
"""How often a write is made of what has been read before others are let win: each of these attempts
failed because somebody else's write succeeded."""

_CALM_ATTEMPTS = 3
_LONGEST_PAUSE = 0.05


@frozen
class _Refused:
    """The service did not take a write.

    Attributes:
        error: What it said; None where it only said that there is a row.
    """

    error: Exception | None = None


@frozen
class _Done:
    item: Item | None


async def carry_out(clients: OracleClients, writer: Writer) -> Item | None:
    """Carry out a write.

    Returns:
        The item as it is now; None after a deletion.

    Raises:
        CloudError: The item does not allow it, or others were in the way.
    """
    refused: _Refused | None = None
    for attempt in range(ATTEMPTS):
        if attempt > _CALM_ATTEMPTS:
            await anyio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  # no secret
        outcome = await run(clients, _attempt, writer, refused)
        if isinstance(outcome, _Done):
            return outcome.item
        refused = outcome
    raise ConflictError(
        f"others wrote to the item between reading and writing, {ATTEMPTS} times over",
        retryable=True,
        unprocessed=True,
    )


def _attempt(session: Session, writer: Writer, refused: _Refused | None) -> _Done | _Refused:
    columns = writer.columns
    request = writer.first() if refused is None else None
    if request is None:
        found = session.get(writer.schema.table, columns)
        image = writer.codec.image(found, writer.write.key)
        try:
            request = writer.under(image)
        except CloudError as failure:
            if refused is None or refused.error is None:
                raise
            raise with_facts(failure, refused.error) from refused.error
    if request is None:
        return _Done(None)
    try:
        taken = request.send(session, writer.schema, columns)
    except Exception as error:
        if not is_mismatch(error):
            raise
        return _Refused(error)
    return _Done(request.item) if taken else _Refused()
