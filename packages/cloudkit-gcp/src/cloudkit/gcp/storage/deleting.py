"""Deleting objects. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email import message_from_bytes
from email.message import Message
from secrets import token_hex
from typing import TYPE_CHECKING

from cloudkit.api.storage.operations import DeleteObject, DeleteObjects
from cloudkit.common import CloudError, CloudResult, ServiceUnavailableError
from cloudkit.gcp.errors import status_of, translate
from cloudkit.gcp.storage.client import StorageClient, object_path, refused
from cloudkit.gcp.storage.conditions import condition
from cloudkit.gcp.storage.keys import to_name

if TYPE_CHECKING:
    import requests

NO_OBJECT = "No such object"
"""How the service's message begins; of a bucket it says the same by code and status."""


def delete(client: StorageClient, op: DeleteObject) -> None:
    """Delete an object."""
    try:
        client.json("DELETE", object_path(op.bucket, to_name(op.key)), condition(op.if_match))
    except Exception as error:
        if not (op.missing_ok and is_missing_object(error)):
            raise


def delete_many(client: StorageClient, op: DeleteObjects) -> Sequence[CloudResult[str]]:
    """Delete objects by one request.

    https://cloud.google.com/storage/docs/batch
    """
    if not op.keys:
        return []
    results: dict[str, CloudResult[str]] = {}
    names: dict[str, str] = {}
    for key in op.keys:
        try:
            names[key] = to_name(key)
        except CloudError as error:
            results[key] = CloudResult.failure(error)
    for key, native in zip(names, _batch(client, op.bucket, list(names.values())), strict=True):
        results[key] = CloudResult.success(key)
        failure = None if native is None or is_missing_object(native) else translate(native)
        if failure is not None:
            failure.__cause__ = native
            results[key] = CloudResult.failure(failure)
    return [results[key] for key in op.keys]


def is_missing_object(error: Exception) -> bool:
    """Whether it is only the object that is missing, and not its bucket."""
    failure = translate(error)
    return status_of(error) == 404 and failure is not None and failure.message.startswith(NO_OBJECT)


def _batch(client: StorageClient, bucket: str, names: Sequence[str]) -> Sequence[Exception | None]:
    """What the service says of each."""
    if not names:
        return []
    boundary = token_hex(16)
    calls = "".join(
        f"--{boundary}\r\nContent-Type: application/http\r\n"
        f"Content-Transfer-Encoding: binary\r\nContent-ID: <call+{number}>\r\n\r\n"
        f"DELETE /storage/v1{object_path(bucket, name)} HTTP/1.1\r\n\r\n\r\n"
        for number, name in enumerate(names)
    )
    response = client.send(
        "POST",
        "/batch/storage/v1",
        headers={"Content-Type": f"multipart/mixed; boundary={boundary}"},
        body=f"{calls}--{boundary}--\r\n".encode(),
    )
    head = f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode()
    answers = _by_number(message_from_bytes(head + response.content))
    if len(answers) != len(names):
        raise ServiceUnavailableError(f"{len(answers)} of {len(names)} calls were answered")
    return [_error(answers[number]) for number in range(len(names))]


def _by_number(batch: Message) -> Mapping[int, requests.Response]:
    found: dict[int, requests.Response] = {}
    for part in batch.walk():
        name, _, number = part.get("Content-ID", "").strip("<>").rpartition("+")
        if name and number.isdigit():
            found[int(number)] = _answer(bytes(part.get_payload(decode=True) or b""))
    return found


def _answer(data: bytes) -> requests.Response:
    """A call's answer, in the form that those of requests have."""
    import requests

    status, _, rest = data.partition(b"\r\n")
    message = message_from_bytes(rest)
    response = requests.Response()
    response.status_code = int(status.split()[1])
    response.headers.update(dict(message.items()))
    response._content = bytes(message.get_payload(decode=True) or b"")
    return response


def _error(response: requests.Response) -> Exception | None:
    return refused(response) if response.status_code >= 300 else None
