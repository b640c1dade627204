"""Deleting objects. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Sequence

from cloudkit.api.storage.operations import DeleteObject, DeleteObjects
from cloudkit.common import CloudError, CloudResult
from cloudkit.oracle.errors import code_of, from_answer
from cloudkit.oracle.object_storage.conditions import condition
from cloudkit.oracle.object_storage.keys import to_name
from cloudkit.oracle.object_storage.space import BUCKET, Space
from cloudkit.oracle.object_storage.writing import OBJECT


def delete(space: Space, op: DeleteObject) -> None:
    """Delete an object."""
    headers = condition(op.if_match)
    try:
        space.send("DELETE", OBJECT, op.bucket, to_name(op.key), headers=headers)
    except Exception as error:
        if not (op.missing_ok and code_of(error) == "ObjectNotFound"):
            raise


def delete_many(space: Space, op: DeleteObjects) -> Sequence[CloudResult[str]]:
    """Delete objects by one request."""
    results: dict[str, CloudResult[str]] = {}
    names: dict[str, str] = {}
    for key in op.keys:
        try:
            names[to_name(key)] = key
        except CloudError as error:
            results[key] = CloudResult.failure(error)
        else:
            results[key] = CloudResult.success(key)
    if names:
        for name, failure in _delete_batch(space, op.bucket, list(names)).items():
            results[names[name]] = CloudResult.failure(failure)
    return [results[key] for key in op.keys]


def _delete_batch(space: Space, bucket: str, names: list[str]) -> dict[str, CloudError]:
    body = {"objects": [{"objectName": name} for name in names], "isSkipDeletedResult": True}
    response = space.send("POST", f"{BUCKET}/actions/batchDeleteObjects", bucket, body=body)
    return {
        each["objectName"]: from_answer(
            each.get("statusCode"),
            each.get("errorCode"),
            each.get("errorMessage"),
            request_id=response.headers.get("opc-request-id"),
        )
        for each in response.data.get("failed") or []
        if each.get("statusCode") != 404
    }
