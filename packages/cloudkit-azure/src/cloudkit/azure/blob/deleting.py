"""Deleting objects. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Sequence

from cloudkit.api.storage.operations import DeleteObject, DeleteObjects
from cloudkit.azure.blob.client import BlobClient, refused
from cloudkit.azure.blob.conditions import condition
from cloudkit.azure.blob.keys import to_name
from cloudkit.azure.errors import code_of, translate
from cloudkit.common import CloudError, CloudResult


def delete(client: BlobClient, op: DeleteObject) -> None:
    """Delete an object. One with snapshots is not deleted: the service says that it has them."""
    client.send(
        "DELETE",
        op.bucket,
        to_name(op.key),
        headers=condition(op.if_match),
        missing_ok=op.missing_ok,
    )


def delete_many(client: BlobClient, op: DeleteObjects) -> Sequence[CloudResult[str]]:
    """Delete objects by one request."""
    if not op.keys:
        return []
    results: dict[str, CloudResult[str]] = {}
    names: dict[str, str] = {}
    for key in op.keys:
        try:
            names[key] = to_name(key)
        except CloudError as error:
            results[key] = CloudResult.failure(error)
    results |= _delete_batch(client, op.bucket, names)
    return [results[key] for key in op.keys]


def _delete_batch(
    client: BlobClient, bucket: str, names: dict[str, str]
) -> dict[str, CloudResult[str]]:
    if not names:
        return {}
    container = client.service.get_container_client(bucket)
    answers = container.delete_blobs(*names.values(), raise_on_any_failure=False)
    results: dict[str, CloudResult[str]] = {}
    for key, answer in zip(names, answers, strict=True):
        results[key] = CloudResult.success(key)
        if answer.status_code >= 300:
            native = refused(answer)
            failure = translate(native)
            if code_of(native) != "BlobNotFound" and failure is not None:
                failure.__cause__ = native
                results[key] = CloudResult.failure(failure)
    return results
