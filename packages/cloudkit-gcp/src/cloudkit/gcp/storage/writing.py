"""Writing objects in one piece. The functions block; they run in worker threads."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from cloudkit.api.storage import StoredObject
from cloudkit.api.storage.operations import PutObject
from cloudkit.common import ServiceUnavailableError
from cloudkit.gcp.errors import status_of
from cloudkit.gcp.storage.attributes import to_resource
from cloudkit.gcp.storage.checksums import crc32c
from cloudkit.gcp.storage.client import SentBody, StorageClient, upload_path
from cloudkit.gcp.storage.conditions import condition
from cloudkit.gcp.storage.keys import to_name

if TYPE_CHECKING:
    import requests

ONE_REQUEST = 8 * 1024 * 1024
"""Bytes up to which an object goes by one request. Larger ones go to a session, which keeps what has
arrived when the connection breaks."""

INCOMPLETE = 308

_RECEIVED = re.compile(r"bytes=0-(\d+)")


class Writer:
    """Writes objects.

    A large one that was interrupted goes on where it stopped, when the retry policy has it tried
    again: its session is remembered with the operation.
    """

    def __init__(self) -> None:
        self._sessions: WeakKeyDictionary[PutObject, str] = WeakKeyDictionary()

    def put(self, client: StorageClient, op: PutObject) -> StoredObject:
        """Write an object."""
        name = to_name(op.key)
        resource = {
            "name": name,
            "crc32c": crc32c(op.body),
            **to_resource(op.attributes, op.storage_class),
        }
        if len(op.body) <= ONE_REQUEST:
            answer = _put_at_once(client, op, resource)
        else:
            answer = self._put_by_session(client, op, resource)
        return StoredObject(
            bucket=op.bucket, key=op.key, etag=str(answer["generation"]), size=len(op.body)
        )

    def _put_by_session(
        self, client: StorageClient, op: PutObject, resource: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        size = len(op.body)
        session = self._sessions.get(op)
        response = None if session is None else _ask(client, session, size)
        if session is None or response is None:
            session = self._sessions[op] = _begin(client, op, resource)
            response = _send_from(client, session, op.body, 0)
        arrived = -1
        while response.status_code == INCOMPLETE:
            before, arrived = arrived, _received(response)
            if arrived <= before:
                # The retry policy waits, and then goes on from there.
                raise ServiceUnavailableError(
                    f"of the {size:,} bytes of the object no more than {arrived:,} were taken",
                    unprocessed=True,
                )
            response = (
                _send_from(client, session, op.body, arrived)
                if arrived < size
                else _ended(client, session, size)
            )
        self._sessions.pop(op, None)
        answer: Mapping[str, Any] = response.json()
        return answer


def written(op: PutObject, client: StorageClient) -> dict[str, str]:
    """Parameters of every request that writes an object."""
    return {**condition(op.if_match, op.if_none_match), **encryption(client, "kmsKeyName")}


def encryption(client: StorageClient, name: str) -> dict[str, str]:
    """The configured key of Cloud KMS under the name that a request has for it."""
    key = client.settings.config.kms_key
    return {} if key is None else {name: key}


def _put_at_once(
    client: StorageClient, op: PutObject, resource: Mapping[str, Any]
) -> Mapping[str, Any]:
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        f"{json.dumps(resource)}\r\n"
        f"--{boundary}\r\nContent-Type: {resource['contentType']}\r\n\r\n"
    )
    body = SentBody(head.encode(), op.body, f"\r\n--{boundary}--\r\n".encode())
    response = client.send(
        "POST",
        upload_path(op.bucket),
        {"uploadType": "multipart", **written(op, client)},
        {"Content-Type": f"multipart/related; boundary={boundary}"},
        body,
    )
    answer: Mapping[str, Any] = response.json()
    return answer


def _begin(client: StorageClient, op: PutObject, resource: Mapping[str, Any]) -> str:
    """Begin a session; returns its address, which is a secret."""
    response = client.send(
        "POST",
        upload_path(op.bucket),
        {"uploadType": "resumable", **written(op, client)},
        {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Upload-Content-Type": str(resource["contentType"]),
            "X-Upload-Content-Length": str(len(op.body)),
        },
        json.dumps(resource).encode(),
    )
    return response.headers["Location"]


def _send_from(client: StorageClient, session: str, body: bytes, start: int) -> requests.Response:
    size = len(body)
    return client.send(
        "PUT",
        session,
        headers={"Content-Range": f"bytes {start}-{size - 1}/{size}"},
        body=SentBody(memoryview(body)[start:]),
        accepted=(INCOMPLETE,),
    )


def _ask(client: StorageClient, session: str, size: int) -> requests.Response | None:
    """How far a session is; None when it has ended."""
    headers = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
    try:
        return client.send("PUT", session, headers=headers, accepted=(INCOMPLETE,))
    except Exception as error:
        if status_of(error) in {404, 410}:
            return None
        raise


def _ended(client: StorageClient, session: str, size: int) -> requests.Response:
    """Have a session ended that has all bytes."""
    response = _ask(client, session, size)
    if response is None:
        raise ServiceUnavailableError("the session of the upload has ended", unprocessed=True)
    return response


def _received(response: requests.Response) -> int:
    found = _RECEIVED.fullmatch(response.headers.get("Range", ""))
    return 0 if found is None else int(found[1]) + 1
