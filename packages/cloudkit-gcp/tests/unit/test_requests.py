"""What is sent to Cloud Storage that the double does not look at, and what is made of its answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cloudkit.api.storage import ObjectAttributes
from cloudkit.api.storage.operations import (
    CompleteUpload,
    CopyObject,
    CreateUpload,
    DeleteObjects,
    PutObject,
)
from cloudkit.common import NotFoundError, PermissionDeniedError, ServiceUnavailableError
from cloudkit.gcp.config import GcpConfig
from cloudkit.gcp.errors import translate
from cloudkit.gcp.storage import copying, deleting, parts
from cloudkit.gcp.storage.client import SENT_AT_ONCE, SentBody, StorageClient
from cloudkit.gcp.storage.writing import Writer
from cloudkit.gcp.transport import ClientSettings
from google.api_core.exceptions import ServiceUnavailable
from google.auth.credentials import AnonymousCredentials

KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
MIB = 1024 * 1024
STORED = {"generation": "17", "size": "4"}


class Session:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, *answers: requests.Response) -> None:
        self._answers = list(answers)
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []

    def request(self, method: str, url: str, *, data: Any, headers: Any, **_: Any) -> Any:
        body = b"".join(iter(data.read, b"")) if isinstance(data, SentBody) else data
        self.sent.append((method, url, headers, body))
        return self._answers.pop(0)

    @property
    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(url).query) for _, url, _, _ in self.sent]


def answer(body: object = None, status: int = 200, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response.headers.update(named)
    return response


def client_of(session: Session, **options: Any) -> StorageClient:
    nobody = AnonymousCredentials()
    settings = ClientSettings(GcpConfig(**options), "storage", nobody, nobody, "p", "tests")
    return StorageClient(settings, session, None)  # type: ignore[arg-type]


def test_whatever_is_written_is_encrypted_with_the_configured_key():
    session = Session(answer(STORED), answer({"done": True, "resource": STORED}))
    client = client_of(session, kms_key=KEY)
    Writer().put(client, PutObject(bucket="bucket", key="key", body=b"data"))
    copying.rewrite(client, ("b", "source"), ("b", "target"), {}, None)
    assert session.queries[0]["kmsKeyName"] == [KEY]
    assert session.queries[1]["destinationKmsKeyName"] == [KEY]
    assert session.sent[1][3] is None, "an empty resource would take attributes away"
    upload = Session(answer(b"<UploadId>u</UploadId>"))
    parts.create_upload(client_of(upload, kms_key=KEY), CreateUpload(bucket="bucket", key="key"))
    assert upload.sent[0][2]["x-goog-encryption-kms-key-name"] == KEY


def test_a_large_object_begins_a_session_with_its_conditions():
    session = Session(answer(b"", Location="https://host/session"), answer(STORED))
    op = PutObject(bucket="b-b", key="ü", body=bytes(9 * 1024 * 1024), if_match="17")
    assert Writer().put(client_of(session), op).etag == "17"
    (_, url, headers, body), (method, session_url, piece, sent) = session.sent
    assert urlsplit(url).path == "/upload/storage/v1/b/b-b/o"
    assert session.queries[0] == {"uploadType": ["resumable"], "ifGenerationMatch": ["17"]}
    assert headers["X-Upload-Content-Length"] == str(9 * 1024 * 1024)
    assert json.loads(body)["name"] == "ü"
    assert (method, session_url) == ("PUT", "https://host/session")
    assert piece["Content-Range"] == f"bytes 0-{len(op.body) - 1}/{len(op.body)}"
    assert sent == op.body


def test_a_session_that_takes_nothing_is_not_asked_for_ever():
    begun = answer(b"", Location="https://host/session")
    stuck = [answer(b"", 308, Range="bytes=0-262143") for _ in range(2)]
    session = Session(begun, *stuck, answer(b"", 308, Range="bytes=0-524287"), answer(STORED))
    writer, client = Writer(), client_of(session)
    op = PutObject(bucket="bucket", key="key", body=bytes(9 * MIB))
    with pytest.raises(ServiceUnavailableError) as caught:
        writer.put(client, op)
    assert caught.value.retryable
    assert caught.value.unprocessed
    assert writer.put(client, op).etag == "17", "the next attempt goes on where it stopped"
    assert session.sent[-1][2]["Content-Range"] == f"bytes 524288-{9 * MIB - 1}/{9 * MIB}"


def test_a_session_that_has_all_bytes_is_ended_without_any():
    size = 9 * MIB
    complete = answer(b"", 308, Range=f"bytes=0-{size - 1}")
    session = Session(answer(b"", Location="https://host/session"), complete, answer(STORED))
    op = PutObject(bucket="bucket", key="key", body=bytes(size))
    assert Writer().put(client_of(session), op).etag == "17"
    assert session.sent[-1][2]["Content-Range"] == f"bytes */{size}"


def test_a_body_is_handed_over_in_pieces():
    body = SentBody(b"head", bytes(SENT_AT_ONCE + 1), b"", b"tail")
    assert len(body) == SENT_AT_ONCE + 9
    pieces = list(iter(lambda: body.read(1), b""))
    assert [len(piece) for piece in pieces] == [4, SENT_AT_ONCE, 1, 4]


def test_what_was_replaced_at_once_gives_a_token_of_nothing():
    done = b"<ETag>&quot;mine&quot;</ETag>"
    create = CreateUpload(bucket="bucket", key="key")
    upload_id = '["u", null]'
    op = CompleteUpload(bucket="bucket", key="key", upload_id=upload_id, parts=(), create=create)
    mine = answer(b"", ETag='"mine"', X_Goog_Generation="17")
    assert parts.complete_upload(client_of(Session(answer(done), mine)), op).etag == "17"
    other = answer(b"", ETag='"other"', X_Goog_Generation="18")
    assert parts.complete_upload(client_of(Session(answer(done), other)), op).etag == "1"
    gone = answer(b"", 404)
    assert parts.complete_upload(client_of(Session(answer(done), gone)), op).etag == "1"


@pytest.mark.anyio
async def test_a_copy_that_was_interrupted_goes_on_where_it_stopped():
    session = Session(
        answer({"done": False, "rewriteToken": "first"}),
        answer(b"", 503),
        answer(b"", 503),
        answer({"done": False, "rewriteToken": "second"}),
        answer({"done": True, "resource": STORED}),
    )
    client = client_of(session)

    class Clients:
        async def run(self, service: str, func: Any, *args: Any) -> Any:
            return func(client, *args)

    op = CopyObject(bucket="bucket", key="k", source_bucket="bucket", source_key="s")
    copier = copying.Copier(Clients())  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            await copier.copy(op)
    assert (await copier.copy(op)).etag == "17"
    tokens = [query.get("rewriteToken") for query in session.queries]
    assert tokens == [None, ["first"], ["first"], ["first"], ["second"]]


def test_a_class_alone_keeps_the_attributes_of_the_source_that_was_seen():
    source = {**STORED, "updated": "2026-01-02T03:04:05.678Z", "contentType": "a/b"}
    session = Session(answer({**source, "metadata": {"Name": "v"}}))
    op = CopyObject(
        bucket="bucket", key="k", source_bucket="bucket", source_key="s", storage_class="ARCHIVE"
    )
    query, body = copying._prepare(client_of(session), op)
    assert query == {"ifSourceGenerationMatch": "17"}
    assert body == {"contentType": "a/b", "metadata": {"name": "v"}, "storageClass": "ARCHIVE"}


def test_headers_say_what_a_direct_upload_is():
    session = Session(answer(b"<UploadId>u</UploadId>"))
    attributes = ObjectAttributes(content_language="en", metadata={"a-b": "=?utf-8?q?no?="})
    op = CreateUpload(bucket="bucket", key="a/../b", attributes=attributes, storage_class="ARCHIVE")
    assert parts.create_upload(client_of(session), op) == '["u", null]'
    method, url, headers, _ = session.sent[0]
    assert (method, urlsplit(url).path) == ("POST", "/bucket/a%2F..%2Fb")
    assert headers == {
        "Content-Language": "en",
        "Content-Type": "application/octet-stream",
        "Content-Length": "0",
        "x-goog-meta-a-b": "=?utf-8?q?no?=",
        "x-goog-storage-class": "ARCHIVE",
    }


def batch(*answers: tuple[int, int, object]) -> requests.Response:
    """An answer to a batch: (number, status, body) of each call, in this order."""
    lines = b""
    for number, status, body in answers:
        content = b"" if body is None else json.dumps(body).encode()
        lines += (
            f"--b\r\nContent-Type: application/http\r\nContent-ID: <response-call+{number}>\r\n\r\n"
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=UTF-8\r\n"
            f"X-GUploader-UploadID: r-{number}\r\n\r\n"
        ).encode() + content
        lines += b"\r\n"
    return answer(lines + b"--b--\r\n", Content_Type="multipart/mixed; boundary=b")


def error(status: int, reason: str, message: str) -> dict[str, Any]:
    errors = [{"reason": reason, "message": message}]
    return {"error": {"code": status, "message": message, "errors": errors}}


def test_each_call_of_a_batch_has_its_own_answer():
    answers = batch(
        (1, 403, error(403, "forbidden", "caller does not have access")),
        (0, 204, None),
        (3, 404, error(404, "notFound", "The specified bucket does not exist.")),
        (2, 404, error(404, "notFound", "No such object: b/c")),
    )
    session = Session(answers)
    op = DeleteObjects(bucket="bucket", keys=("a b", "b", "c", "d"))
    first, second, third, fourth = deleting.delete_many(client_of(session), op)
    assert (first.value, third.value) == ("a b", "c")
    assert isinstance(second.error, PermissionDeniedError)
    assert (second.error.status, second.error.request_id) == (403, "r-1")
    assert isinstance(fourth.error, NotFoundError)
    assert b"DELETE /storage/v1/b/bucket/o/a%20b HTTP/1.1" in session.sent[0][3]


def test_a_batch_that_is_not_answered_in_full_is_an_error():
    op = DeleteObjects(bucket="bucket", keys=("a", "b"))
    with pytest.raises(ServiceUnavailableError, match="1 of 2"):
        deleting.delete_many(client_of(Session(batch((0, 204, None)))), op)


def test_a_missing_bucket_is_no_missing_object():
    body = error(404, "notFound", "The specified bucket does not exist.")
    with pytest.raises(Exception) as caught:  # noqa: PT011  # what it is, is tested below
        client_of(Session(answer(body, 404))).json("DELETE", "/b/bucket/o/key")
    assert isinstance(translate(caught.value), NotFoundError)
    assert not deleting.is_missing_object(caught.value)
