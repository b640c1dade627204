"""Work requests: what takes a moment, and whose state can be asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulators.oracle.errors import OracleError, not_found
from emulators.oracle.pages import page
from emulators.oracle.queue.store import new_ocid
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Response

DURATION = 0.03
"""Seconds that a work takes."""


@dataclass
class _Work:
    """What is to be done, and for whom."""

    entity: str
    kind: str
    resource: str
    compartment: str
    finish: Callable[[], None]
    accepted: float = field(default_factory=time.time)
    done: bool = False
    errors: list[dict[str, str]] = field(default_factory=list)


class Works:
    """The works: each is finished when its time is over and somebody asks for anything.

    Args:
        entity: What they are about, in OCIDs: ``"queue"``.
    """

    def __init__(self, entity: str = "queue") -> None:
        self._entity = entity
        self._works: dict[str, _Work] = {}
        self._pending: list[_Work] = []
        self.routes: list[Route] = [
            route("GET", "/workRequests", self._list),
            route("GET", "/workRequests/{workRequestId}", self._get),
            route("GET", "/workRequests/{workRequestId}/errors", self._errors),
        ]

    def start(
        self, kind: str, resource: str, compartment: str, finish: Callable[[], None]
    ) -> Response:
        """Accept a work.

        Args:
            kind: Its operation type: ``"CREATE_QUEUE"``.
            resource: OCID of what it is about.
            compartment: OCID.
            finish: Does it; a refusal makes the work fail.
        """
        identity = new_ocid(f"{self._entity}workrequest")
        work = _Work(self._entity, kind, resource, compartment, finish)
        self._works[identity] = work
        self._pending.append(work)
        return Response(202, headers={"opc-work-request-id": identity})

    def proceed(self) -> None:
        """Finish what has had its time."""
        waiting, self._pending = self._pending, []
        for work in waiting:
            if time.time() < work.accepted + DURATION:
                self._pending.append(work)
            else:
                work.done = True
                try:
                    work.finish()
                except OracleError as error:
                    entry = {"code": error.code, "message": error.message}
                    work.errors.append({**entry, "timestamp": _moment(time.time())})

    def _list(self, call: Call) -> Response:
        self.proceed()
        compartment = call.request.param("compartmentId")
        found = [
            _described(identity, work)
            for identity, work in self._works.items()
            if work.compartment == compartment
        ]
        shown, headers = page(call.request, found)
        return Response.of_json({"items": list(shown)}, headers=headers)

    def _get(self, call: Call, identity: str) -> Response:
        self.proceed()
        return Response.of_json(_described(identity, self._find(identity)))

    def _errors(self, call: Call, identity: str) -> Response:
        self.proceed()
        shown, headers = page(call.request, self._find(identity).errors)
        return Response.of_json({"items": list(shown)}, headers=headers)

    def _find(self, identity: str) -> _Work:
        if identity not in self._works:
            raise not_found()
        return self._works[identity]


def _described(identity: str, work: _Work) -> dict[str, Any]:
    started = time.time() >= work.accepted + DURATION / 2
    status = "IN_PROGRESS" if started else "ACCEPTED"
    if work.done:
        status = "FAILED" if work.errors else "SUCCEEDED"
    action = work.kind.partition("_")[0].replace("PURGE", "UPDATE") + "D"
    return {
        "operationType": work.kind,
        "status": status,
        "id": identity,
        "compartmentId": work.compartment,
        "resources": [
            {
                "entityType": work.entity,
                "actionType": action if work.done else "IN_PROGRESS",
                "identifier": work.resource,
                "entityUri": f"/{work.entity}s/{work.resource}",
            }
        ],
        "percentComplete": 100.0 if work.done else 50.0 if started else 0.0,
        "timeAccepted": _moment(work.accepted),
        "timeStarted": _moment(work.accepted + DURATION / 2) if started else None,
        "timeFinished": _moment(work.accepted + DURATION) if work.done else None,
    }


def _moment(seconds: float) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))
