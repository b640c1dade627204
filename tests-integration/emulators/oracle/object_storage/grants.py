"""Pre-authenticated requests: addresses that need no signature."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import quote

from emulators.oracle.errors import OracleError, invalid, not_doubled, not_found, object_body
from emulators.oracle.object_storage.listing import list_objects
from emulators.oracle.object_storage.objects import get_object, put_object
from emulators.oracle.object_storage.store import Bucket, Store, now
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Request, Response, segment

_TYPES = {
    f"{scope}{access}"
    for scope in ("Object", "AnyObject")
    for access in ("Read", "Write", "ReadWrite")
}
_ACCESS = re.compile(r"/p/([^/]+)(/n/([^/]+)/b/([^/]+)/o/(.*))", re.DOTALL)
_GRANTS = "/n/{namespaceName}/b/{bucketName}/p"


class Grants:
    """Operations on pre-authenticated requests, and their use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokens: dict[str, tuple[Bucket, str]] = {}
        self.routes: list[Route] = [
            route("POST", f"{_GRANTS}/?", self._create),
            route("GET", f"{_GRANTS}/?", self._list),
            route("GET", f"{_GRANTS}/{{parId}}", self._get),
            route("DELETE", f"{_GRANTS}/{{parId}}", self._delete),
        ]

    def _create(self, call: Call, namespace: str, bucket: str) -> Response:
        found = self._store.find(namespace, bucket)
        details = object_body(call.request)
        kind, name = details.get("accessType"), details.get("objectName")
        if kind not in _TYPES or not details.get("name"):
            raise invalid("name and a known accessType are needed")
        if str(kind).startswith("Object") and not name:
            raise invalid(f"objectName is needed for {kind}")
        expires = _moment(str(details.get("timeExpires", "")))
        if expires <= now():
            raise invalid("timeExpires must be in the future")
        identity, token = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
        path = quote(str(name), safe="/") if str(kind).startswith("Object") else ""
        uri = f"/p/{token}/n/{namespace}/b/{bucket}/o/{path}"
        grant = {
            "id": identity,
            "name": details["name"],
            "objectName": name,
            "bucketListingAction": details.get("bucketListingAction") or "Deny",
            "accessType": kind,
            "timeExpires": timestamp(expires),
            "timeCreated": timestamp(now()),
        }
        found.grants[identity] = grant
        self._tokens[token] = (found, identity)
        return Response.of_json(
            {**grant, "accessUri": uri, "fullPath": f"{call.request.base_url}{uri}"}
        )

    def _list(self, call: Call, namespace: str, bucket: str) -> Response:
        prefix = call.request.param("objectNamePrefix") or ""
        grants = self._store.find(namespace, bucket).grants.values()
        found = [each for each in grants if str(each["objectName"] or "").startswith(prefix)]
        shown, headers = page(call.request, found)
        return Response.of_json(list(shown), headers=headers)

    def _get(self, call: Call, namespace: str, bucket: str, identity: str) -> Response:
        grants = self._store.find(namespace, bucket).grants
        if identity not in grants:
            raise not_found()
        return Response.of_json(grants[identity])

    def _delete(self, call: Call, namespace: str, bucket: str, identity: str) -> Response:
        grants = self._store.find(namespace, bucket).grants
        if identity not in grants:
            raise not_found()
        del grants[identity]
        return Response(204)

    def use(self, request: Request) -> Response:
        """Answer a request to an address that was given away."""
        match = _ACCESS.fullmatch(request.path)
        bucket, identity = self._tokens.get(match[1], (None, "")) if match else (None, "")
        if match is None or bucket is None or identity not in bucket.grants:
            raise OracleError(401, "NotAuthenticated", "PAR does not exist")
        grant = bucket.grants[identity]
        if _moment(grant["timeExpires"]) <= now():
            raise OracleError(401, "NotAuthenticated", "PAR is expired")
        if (segment(match[3]), segment(match[4])) != _place(bucket):
            raise not_found()
        return _used(bucket, grant, segment(match[5]), request)


def _used(bucket: Bucket, grant: dict[str, Any], name: str, request: Request) -> Response:
    kind, target = str(grant["accessType"]), grant["objectName"]
    everywhere = kind.startswith("Any")
    if not name and request.method == "GET":
        if everywhere and grant["bucketListingAction"] == "ListObjects":
            return list_objects(bucket, request)
        raise not_found()
    # For many objects, the name is a prefix; for one, it is all.
    if not name.startswith(target or "") if everywhere else name != target:
        raise not_found()
    if request.method in {"GET", "HEAD"} and "Read" in kind:
        return get_object(bucket, name, request)
    if request.method == "PUT" and "Write" in kind:
        if request.headers.get("opc-multipart") == "true":
            raise not_doubled(request)
        return put_object(bucket, name, request)
    raise not_found()


def _place(bucket: Bucket) -> tuple[str, str]:
    return str(bucket.description["namespace"]), str(bucket.description["name"])


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("timeExpires is not an RFC 3339 date") from None
    if moment.tzinfo is None:
        raise invalid("timeExpires has no zone")
    return moment
