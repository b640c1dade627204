"""Carries writes out: asks, looks at what refused it, and asks again as long as that is right."""

from __future__ import annotations

from attrs import frozen
from cloudkit.api.kv import Item
from cloudkit.common import CloudError
from cloudkit.core.writes import ATTEMPTS, contended, pause, with_facts
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.errors import translate
from cloudkit.oracle.nosql.answers import is_mismatch
from cloudkit.oracle.nosql.session import Session, run
from cloudkit.oracle.nosql.writes import Writer


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
        await pause(attempt)
        outcome = await run(clients, _attempt, writer, refused)
        if isinstance(outcome, _Done):
            return outcome.item
        refused = outcome
    raise contended()


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
            raise with_facts(failure, translate(refused.error)) from refused.error
    if request is None:
        return _Done(None)
    try:
        taken = request.send(session, writer.schema, columns)
    except Exception as error:
        if not is_mismatch(error):
            raise
        return _Refused(error)
    return _Done(request.item) if taken else _Refused()
