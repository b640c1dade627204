"""Copies, which are work requests: they go on a step whenever somebody asks for them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from emulators.oracle.errors import OracleError, not_found, object_body
from emulators.oracle.object_storage.conditions import check_match, check_write
from emulators.oracle.object_storage.store import (
    Content,
    Store,
    check_object_name,
    new_etag,
    now,
)
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Response

_NEXT = {"ACCEPTED": "IN_PROGRESS", "IN_PROGRESS": "COMPLETED"}
_PERCENT = {"ACCEPTED": 0.0, "IN_PROGRESS": 50.0}


@dataclass
class _Work:
    """A copy: what is asked for, and how far it is."""

    details: Mapping[str, object]
    content: Content
    compartment: str
    status: str = "ACCEPTED"
    times: dict[str, str] = field(default_factory=dict)
    errors: list[dict[str, str]] = field(default_factory=list)
    polled: bool = False


class Copies:
    """Copies and their work requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._works: dict[str, _Work] = {}
        self.routes: list[Route] = [
            route("POST", "/n/{namespaceName}/b/{bucketName}/actions/copyObject", self._copy),
            route("GET", "/workRequests/{workRequestId}", self._get),
            route("GET", "/workRequests/{workRequestId}/errors", self._errors),
        ]

    def _copy(self, call: Call, namespace: str, bucket: str) -> Response:
        source = self._store.find(namespace, bucket)
        details = object_body(call.request)
        for name in ("Region", "Namespace", "Bucket", "ObjectName"):
            if not details.get(f"destination{name}"):
                raise OracleError(400, "MissingParameter", f"destination{name} is missing")
        check_object_name(str(details["destinationObjectName"]))
        content = source.find(str(details.get("sourceObjectName", "")))
        wanted = details.get("sourceObjectIfMatchETag")
        check_match(content, None if wanted is None else str(wanted))
        identity = f"ocid1.workrequest.oc1.iad.{uuid.uuid4().hex}"
        work = _Work(details, content, str(source.description["compartmentId"]))
        work.times["timeAccepted"] = timestamp(now())
        self._works[identity] = work
        return Response(202, headers={"opc-work-request-id": identity})

    def _get(self, call: Call, identity: str) -> Response:
        work = self._find(identity)
        if work.polled and work.status in _NEXT:
            self._advance(work)
        work.polled = True
        return Response.of_json(_described(identity, work))

    def _errors(self, call: Call, identity: str) -> Response:
        shown, headers = page(call.request, self._find(identity).errors)
        return Response.of_json(list(shown), headers=headers)

    def _find(self, identity: str) -> _Work:
        if identity not in self._works:
            raise not_found()
        return self._works[identity]

    def _advance(self, work: _Work) -> None:
        work.status = _NEXT[work.status]
        if work.status == "IN_PROGRESS":
            work.times["timeStarted"] = timestamp(now())
            return
        work.times["timeFinished"] = timestamp(now())
        try:
            self._write(work)
        except OracleError as error:
            work.status = "FAILED"
            told = {"code": error.code, "message": error.message}
            work.errors.append({**told, "timestamp": timestamp(now())})

    def _write(self, work: _Work) -> None:
        told = {name: value for name, value in work.details.items() if value is not None}
        bucket = self._store.find(str(told["destinationNamespace"]), str(told["destinationBucket"]))
        name = str(told["destinationObjectName"])
        conditions = [told.get(f"destinationObjectIf{kind}ETag") for kind in ("Match", "NoneMatch")]
        texts = [None if each is None else str(each) for each in conditions]
        check_write(bucket.objects.get(name), *texts)
        tier = told.get("destinationObjectStorageTier")
        moment = now()
        bucket.objects[name] = replace(
            work.content,
            headers=_headers(work.content, told.get("destinationObjectMetadata")),
            tier=bucket.tier_of(None if tier is None else str(tier)),
            etag=new_etag(),
            created=moment,
            modified=moment,
        )


def _headers(content: Content, metadata: object) -> Mapping[str, str]:
    """Those of the source, with other metadata when there is any."""
    if not isinstance(metadata, dict) or not metadata:
        return content.headers
    kept = {
        name: value for name, value in content.headers.items() if not name.startswith("opc-meta-")
    }
    return {**kept, **{str(name).lower(): str(value) for name, value in metadata.items()}}


def _described(identity: str, work: _Work) -> dict[str, object]:
    return {
        "id": identity,
        "operationType": "COPY_OBJECT",
        "status": work.status,
        "compartmentId": work.compartment,
        "percentComplete": _PERCENT.get(work.status, 100.0),
        "resources": [],
        **work.times,
    }
