"""Work requests: awaited to their end."""

from __future__ import annotations

from typing import Any

import anyio
from cloudkit.common import CloudError, ProviderError
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.config import ServiceName
from cloudkit.oracle.errors import from_answer

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
UNDER_WAY = frozenset({"ACCEPTED", "IN_PROGRESS", "CANCELING"})


async def finished(clients: OracleClients, service: ServiceName, work: str) -> str:
    """Wait until a work request has come to its end.

    Args:
        clients: The clients.
        service: The client to ask.
        work: OCID of the work request.

    Returns:
        OCID of the resource that it is about.

    Raises:
        CloudError: It failed.
    """
    pause = FIRST_PAUSE
    while True:
        request = await clients.run(service, _get, work)
        if request.status == "SUCCEEDED":
            return str(request.resources[0].identifier)
        if request.status not in UNDER_WAY:
            raise await clients.run(service, _failure, work, request.status)
        await anyio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _get(client: Any, work: str) -> Any:
    return client.get_work_request(work).data


def _failure(client: Any, work: str, status: str) -> CloudError:
    answer = client.list_work_request_errors(work)
    for error in answer.data.items:
        return from_answer(None, error.code, error.message, request_id=answer.request_id)
    return ProviderError(f"the work request ended as {status}", request_id=answer.request_id)
