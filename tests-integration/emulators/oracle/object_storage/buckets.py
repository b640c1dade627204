"""Buckets: made, described, listed, deleted."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.object_storage.store import NAMESPACE, Bucket, Store, new_etag, now
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Response

_SUMMARY = ("namespace", "name", "compartmentId", "createdBy", "timeCreated", "etag")
_CHANGED = ("metadata", "publicAccessType", "objectEventsEnabled", "freeformTags", "definedTags")


class Buckets:
    """Operations on buckets."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [
            route("GET", "/n/?", self._namespace),
            route("GET", "/n/{namespaceName}/b/?", self._list),
            route("POST", "/n/{namespaceName}/b/?", self._create),
            route("GET", "/n/{namespaceName}/b/{bucketName}/?", self._get),
            route("HEAD", "/n/{namespaceName}/b/{bucketName}/?", self._head),
            route("POST", "/n/{namespaceName}/b/{bucketName}/?", self._update),
            route("DELETE", "/n/{namespaceName}/b/{bucketName}/?", self._delete),
        ]

    def _namespace(self, call: Call) -> Response:
        return Response.of_json(NAMESPACE)

    def _list(self, call: Call, namespace: str) -> Response:
        self._store.check_namespace(namespace)
        compartment = call.request.param("compartmentId")
        if not compartment:
            raise OracleError(400, "MissingParameter", "compartmentId is missing")
        found = [bucket.description for bucket in self._store.buckets.values()]
        own = [each for each in found if each["compartmentId"] == compartment]
        shown, headers = page(call.request, sorted(own, key=lambda each: each["name"].encode()))
        summaries = [{name: each[name] for name in _SUMMARY} for each in shown]
        return Response.of_json(summaries, headers=headers)

    def _create(self, call: Call, namespace: str) -> Response:
        self._store.check_namespace(namespace)
        details = object_body(call.request)
        name = str(details.get("name", ""))
        if not re.fullmatch(r"[\w.-]{1,256}", name, re.ASCII):
            raise OracleError(400, "InvalidBucketName", f"The bucket name '{name}' is not valid")
        if not details.get("compartmentId"):
            raise OracleError(400, "MissingParameter", "compartmentId is missing")
        if details.get("versioning", "Disabled") != "Disabled":
            raise OracleError(501, "NotImplemented", "The double does not do versions")
        if name in self._store.buckets:
            message = f"Either the bucket '{name}' in namespace '{namespace}' already exists or you are not authorized to create it"
            raise OracleError(409, "BucketAlreadyExists", message)
        bucket = Bucket(_description(call, name, details))
        if bucket.tier not in {"Standard", "Archive"}:
            raise invalid("storageTier must be Standard or Archive")
        self._store.buckets[name] = bucket
        return _described(bucket, {"Location": f"{call.request.base_url}/n/{namespace}/b/{name}"})

    def _get(self, call: Call, namespace: str, name: str) -> Response:
        return _described(self._store.find(namespace, name))

    def _head(self, call: Call, namespace: str, name: str) -> Response:
        bucket = self._store.find(namespace, name)
        return Response(200, headers={"ETag": bucket.description["etag"]})

    def _update(self, call: Call, namespace: str, name: str) -> Response:
        bucket = self._store.find(namespace, name)
        _check_etag(call, bucket)
        details = object_body(call.request)
        if unknown := set(details) - {*_CHANGED, "namespace"}:
            raise OracleError(501, "NotImplemented", f"The double does not change {unknown}")
        bucket.description.update(details, namespace=namespace, etag=new_etag())
        return _described(bucket)

    def _delete(self, call: Call, namespace: str, name: str) -> Response:
        bucket = self._store.find(namespace, name)
        _check_etag(call, bucket)
        if bucket.objects or bucket.uploads or bucket.grants:
            what = (
                "objects" if bucket.objects else "multipart uploads or pre-authenticated requests"
            )
            message = f"Bucket named '{name}' is not empty. Delete all {what} first."
            raise OracleError(409, "BucketNotEmpty", message)
        del self._store.buckets[name]
        return Response(204)


def _description(call: Call, name: str, details: Mapping[str, object]) -> dict[str, object]:
    return {
        "namespace": NAMESPACE,
        "name": name,
        "compartmentId": details["compartmentId"],
        "metadata": details.get("metadata") or {},
        "createdBy": call.user,
        "timeCreated": timestamp(now()),
        "etag": new_etag(),
        "publicAccessType": details.get("publicAccessType") or "NoPublicAccess",
        "storageTier": details.get("storageTier") or "Standard",
        "objectEventsEnabled": bool(details.get("objectEventsEnabled")),
        "freeformTags": details.get("freeformTags") or {},
        "definedTags": details.get("definedTags") or {},
        "kmsKeyId": None,
        "replicationEnabled": False,
        "isReadOnly": False,
        "id": f"ocid1.bucket.oc1.iad.{uuid.uuid4().hex}",
        "versioning": "Disabled",
        "autoTiering": details.get("autoTiering") or "Disabled",
    }


def _described(bucket: Bucket, headers: Mapping[str, str] | None = None) -> Response:
    etag = {"ETag": bucket.description["etag"]}
    return Response.of_json(bucket.description, headers={**etag, **(headers or {})})


def _check_etag(call: Call, bucket: Bucket) -> None:
    wanted = call.request.headers.get("if-match")
    if wanted is not None and wanted not in {"*", bucket.description["etag"]}:
        raise OracleError(412, "IfMatchFailed", "The If-Match header does not match")
