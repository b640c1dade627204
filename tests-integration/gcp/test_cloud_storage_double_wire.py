"""The double of Cloud Storage over plain HTTP: the JSON API as its reference describes it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulators.google import create_service_account
from emulators.process import Server
from gcp.wire import Answer, Wire, crc32c, object_path, upload_path, wire_to
from google.auth import crypt, impersonated_credentials, jwt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account

CHUNK = 256 * 1024


def put(wire: Wire, bucket: Any, name: str, data: bytes, **query: object) -> Answer:
    return wire.send("POST", upload_path(bucket.name), data, uploadType="media", name=name, **query)


def test_errors_have_the_services_form(wire: Wire, bucket: Any) -> None:
    put(wire, bucket, "key", b"1")
    answer = put(wire, bucket, "key", b"2", ifGenerationMatch=0)
    assert answer.status == 412
    message = "At least one of the pre-conditions you specified did not hold."
    assert answer.json == {
        "error": {
            "code": 412,
            "message": message,
            "errors": [
                {
                    "message": message,
                    "domain": "global",
                    "reason": "conditionNotMet",
                    "locationType": "header",
                    "location": "If-Match",
                }
            ],
        }
    }
    missing = wire.send("GET", object_path(bucket.name, "none"))
    assert (missing.status, missing.reason) == (404, "notFound")
    assert missing.json["error"]["message"] == f"No such object: {bucket.name}/none"
    no_bucket = wire.send("GET", "/storage/v1/b/none-such/o")
    assert (no_bucket.status, no_bucket.reason) == (404, "notFound")
    unchanged = wire.send("GET", object_path(bucket.name, "key"), ifMetagenerationNotMatch=1)
    assert (unchanged.status, unchanged.body) == (304, b"")
    malformed = put(wire, bucket, "key", b"2", ifGenerationMatch="x")
    assert (malformed.status, malformed.reason) == (400, "invalid")
    nameless = wire.send("POST", upload_path(bucket.name), b"", uploadType="media")
    assert (nameless.status, nameless.reason) == (400, "required")
    text = wire.send("GET", object_path(bucket.name, "none"), alt="media")
    assert (text.status, text.body) == (404, f"No such object: {bucket.name}/none".encode())


def test_etags_are_conditions_too(wire: Wire, bucket: Any) -> None:
    etag = put(wire, bucket, "key", b"1").json["etag"]
    path = object_path(bucket.name, "key")
    assert wire.send("GET", path, None, {"If-Match": etag}).status == 200
    assert wire.send("GET", path, None, {"If-Match": "other"}).status == 412
    assert wire.send("GET", path, None, {"If-None-Match": etag}).status == 304
    assert wire.send("DELETE", path, None, {"If-Match": "other"}).status == 412


def test_content_with_its_headers_and_ranges(wire: Wire, bucket: Any) -> None:
    created = put(wire, bucket, "key", b"0123456789").json
    path = f"/download{object_path(bucket.name, 'key')}"
    whole = wire.send("GET", path, alt="media", generation=created["generation"])
    assert (whole.status, whole.body) == (200, b"0123456789")
    shown = {name: whole.headers[f"x-goog-{name}"] for name in ("generation", "metageneration")}
    assert shown == {"generation": created["generation"], "metageneration": "1"}
    assert whole.headers["x-goog-hash"] == f"crc32c={created['crc32c']},md5={created['md5Hash']}"
    assert whole.headers["x-goog-stored-content-length"] == "10"
    for asked, status, told, data in (
        ("bytes=0-0", 206, "bytes 0-0/10", b"0"),
        ("bytes=8-99", 206, "bytes 8-9/10", b"89"),
        ("bytes=-99", 206, "bytes 0-9/10", b"0123456789"),
        ("bytes=5-2", 200, None, b"0123456789"),
        ("lines=1-2", 200, None, b"0123456789"),
    ):
        part = wire.send("GET", path, None, {"Range": asked}, alt="media")
        assert (part.status, part.headers.get("content-range"), part.body) == (status, told, data)
    for behind in ("bytes=10-", "bytes=-0"):
        refused = wire.send("GET", path, None, {"Range": behind}, alt="media")
        assert (refused.status, refused.headers["content-range"]) == (416, "bytes */10")


def test_pages_are_checked(wire: Wire, bucket: Any) -> None:
    path = f"/storage/v1/b/{bucket.name}/o"
    assert wire.send("GET", path, pageToken="nonsense!").status == 400
    assert wire.send("GET", path, maxResults="x").status == 400
    assert wire.send("GET", path).json == {"kind": "storage#objects"}
    assert wire.send("GET", path, versions="true").status == 501
    assert wire.send("GET", "/storage/v1/b").reason == "required"


def test_checksums_told_in_headers_and_metadata(wire: Wire, bucket: Any) -> None:
    path = upload_path(bucket.name)
    for told, status in ((crc32c(b"data"), 200), (crc32c(b"other"), 400)):
        headers = {"Content-Type": "multipart/related; boundary=xx"}
        resource = b'{"name": "key", "crc32c": "' + told.encode() + b'"}'
        body = (
            b"--xx\r\nContent-Type: application/json\r\n\r\n" + resource
            + b"\r\n--xx\r\nContent-Type: a/b\r\n\r\ndata\r\n--xx--"
        )  # fmt: skip
        assert wire.send("POST", path, body, headers, uploadType="multipart").status == status
    wrong = {"x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA=="}
    answer = wire.send("POST", path, b"data", wrong, uploadType="media", name="key")
    assert (answer.status, answer.reason) == (400, "invalid")
    assert "doesn't match calculated MD5 hash" in answer.json["error"]["message"]


def start(wire: Wire, bucket: Any, headers: dict[str, str] | None = None, **query: object) -> str:
    answer = wire.send(
        "POST",
        upload_path(bucket.name),
        {"metadata": {"k": "v"}},
        headers,
        uploadType="resumable",
        name="key",
        **query,
    )
    assert answer.status == 200
    return answer.headers["location"]


def test_a_resumable_session_step_by_step(wire: Wire, stranger: Wire, bucket: Any) -> None:
    data = b"ab" * CHUNK + b"end"
    session = start(wire, bucket, {"X-Upload-Content-Type": "a/b"})
    fresh = stranger.send("PUT", session, b"", {"Content-Range": "bytes */*"})
    assert (fresh.status, "range" in fresh.headers) == (308, False)
    first = {"Content-Range": f"bytes 0-{CHUNK - 1}/*"}
    for _ in range(2):  # sending it again changes nothing
        answer = stranger.send("PUT", session, data[:CHUNK], first)
        assert (answer.status, answer.headers["range"]) == (308, f"bytes=0-{CHUNK - 1}")
    gap = {"Content-Range": f"bytes {2 * CHUNK}-{3 * CHUNK - 1}/*"}
    assert stranger.send("PUT", session, data[:CHUNK], gap).status == 503
    odd = {"Content-Range": f"bytes {CHUNK}-{CHUNK + 9}/*"}
    assert stranger.send("PUT", session, bytes(10), odd).status == 400
    short = {"Content-Range": f"bytes {CHUNK}-{2 * CHUNK - 1}/*"}
    assert stranger.send("PUT", session, bytes(10), short).status == 400
    rest = {"Content-Range": f"bytes {CHUNK}-{len(data) - 1}/{len(data)}"}
    done = stranger.send("PUT", session, data[CHUNK:], rest)
    assert (done.status, done.json["size"]) == (200, str(len(data)))
    assert (done.json["contentType"], done.json["metadata"]) == ("a/b", {"k": "v"})
    asked = stranger.send("PUT", session, b"", {"Content-Range": f"bytes */{len(data)}"})
    assert (asked.status, asked.json["generation"]) == (200, done.json["generation"])
    path = object_path(bucket.name, "key")
    assert wire.send("GET", path, alt="media").body == data


def test_a_session_keeps_what_arrived_before_the_connection_was_lost(
    gcs: Server, wire: Wire, bucket: Any
) -> None:
    session = urlsplit(start(wire, bucket))
    head = (
        f"PUT {session.path}?{session.query} HTTP/1.1\r\nHost: {session.netloc}\r\n"
        f"Content-Length: {4 * CHUNK}\r\nContent-Range: bytes 0-{4 * CHUNK - 1}/*\r\n\r\n"
    )
    with socket.create_connection((session.hostname, session.port)) as link:
        link.sendall(head.encode() + b"x" * (2 * CHUNK + 5))
    question = {"Content-Range": "bytes */*"}
    end = time.monotonic() + 10
    while "range" not in (answer := wire.send("PUT", session.geturl(), b"", question)).headers:
        assert time.monotonic() < end
    assert answer.headers["range"] == f"bytes=0-{2 * CHUNK - 1}"


def test_sessions_are_cancelled(wire: Wire, bucket: Any) -> None:
    session = start(wire, bucket)
    assert wire.send("DELETE", session).status == 499
    assert wire.send("PUT", session, b"x").status == 410
    assert wire.send("PUT", session.replace("upload_id=", "upload_id=x"), b"x").status == 404
    assert wire.send("GET", object_path(bucket.name, "key")).status == 404


def test_sessions_check_conditions_and_checksums_when_they_end(wire: Wire, bucket: Any) -> None:
    conditional = start(wire, bucket, ifGenerationMatch=0)
    put(wire, bucket, "key", b"in between")
    assert wire.send("PUT", conditional, b"late").status == 412
    refused = wire.send(
        "POST",
        upload_path(bucket.name),
        {},
        uploadType="resumable",
        name="key",
        ifGenerationMatch=0,
    )
    assert refused.status == 412
    told = {"x-goog-hash": f"crc32c={crc32c(b'other')}"}
    assert wire.send("PUT", start(wire, bucket), b"data", told).status == 400
    announced = start(wire, bucket, {"X-Upload-Content-Length": "5"})
    assert wire.send("PUT", announced, b"four").status == 400
    assert wire.send("GET", object_path(bucket.name, "key"), alt="media").body == b"in between"


def test_rewrite_tokens_are_checked(wire: Wire, bucket: Any) -> None:
    put(wire, bucket, "big", bytes(3 * 1024 * 1024))
    path = f"{object_path(bucket.name, 'big')}/rewriteTo/b/{bucket.name}/o/new"
    body = {"storageClass": "ARCHIVE"}
    odd = wire.send("POST", path, body, maxBytesRewrittenPerCall=1000)
    assert odd.status == 400
    first = wire.send("POST", path, body, maxBytesRewrittenPerCall=1024 * 1024).json
    assert (first["done"], first["totalBytesRewritten"]) == (False, str(1024 * 1024))
    token = first["rewriteToken"]
    assert wire.send("POST", path, body, rewriteToken="none").status == 410
    assert wire.send("POST", path, {}, rewriteToken=token).status == 400
    done = wire.send("POST", path, body, rewriteToken=token).json
    assert (done["done"], done["resource"]["storageClass"]) == (True, "ARCHIVE")
    assert "rewriteToken" not in done


def test_connections_are_kept_and_bodies_may_be_chunked(
    gcs: Server, token: str, bucket: Any
) -> None:
    path, url = f"{upload_path(bucket.name)}?uploadType=media&name=key", urlsplit(gcs.url)
    request = (
        f"POST {path} HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Authorization: Bearer {token}\r\nExpect: 100-continue\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=20) as link:
        for _ in range(2):
            link.sendall(request.encode())
            assert _received(link, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
            link.sendall(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            answer = _received(link, b"}")
            assert answer.startswith(b"HTTP/1.1 200")
            assert b'"size": "5"' in answer


def _received(link: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        part = link.recv(65536)
        assert part, data
        data += part
    return data


@pytest.fixture
def session() -> Iterator[Request]:
    request = Request()
    yield request
    request.session.close()


def test_callers_are_known_by_tokens_that_were_issued(
    gcs: Server, stranger: Wire, key_file: dict[str, Any], bucket: Any, session: Request
) -> None:
    path = f"/storage/v1/b/{bucket.name}/o"
    nobody = stranger.send("GET", path)
    assert (nobody.status, nobody.reason) == (401, "required")
    forged = stranger.send("GET", path, None, {"Authorization": "Bearer forged"})
    assert (forged.status, forged.reason) == (401, "authError")
    make = service_account.Credentials.from_service_account_info
    reader = make(key_file, scopes=["https://www.googleapis.com/auth/devstorage.read_only"])
    reader.refresh(session)
    with wire_to(gcs.url, reader.token) as wire:
        assert wire.send("GET", path).status == 200
        refused = put(wire, bucket, "key", b"1")
        assert (refused.status, refused.reason) == (403, "insufficientPermissions")
    stolen = {**create_service_account(gcs.url, "tests", "other"), "client_email": "a@b.c"}
    with pytest.raises(RefreshError, match="account not found"):
        make(stolen, scopes=["s"]).refresh(session)
    swapped = {**key_file, "private_key": stolen["private_key"]}
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        make(swapped, scopes=["s"]).refresh(session)


def test_assertions_are_short_lived(key_file: dict[str, Any], wire: Wire) -> None:
    signer = crypt.RSASigner.from_service_account_info(key_file)
    now = int(time.time())
    claims = {"iss": key_file["client_email"], "aud": key_file["token_uri"], "scope": "s"}
    for issued, expires, status in (
        (now, now + 600, 200),
        (now - 7200, now - 3600, 400),
        (now, now + 7200, 400),
        (now + 3000, now + 3600, 400),
    ):
        assertion = jwt.encode(signer, {**claims, "iat": issued, "exp": expires}).decode()
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        body = f"grant_type={grant}&assertion={assertion}".encode()
        assert wire.send("POST", "/token", body).status == status


def test_the_iam_api_signs_and_gives_tokens_for_other_accounts(
    gcs: Server, key_file: dict[str, Any], bucket: Any, session: Request
) -> None:
    other = create_service_account(gcs.url, "tests", "impersonated")["client_email"]
    source = service_account.Credentials.from_service_account_info(
        key_file, scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )
    base = f"{gcs.url}/v1/projects/-/serviceAccounts/{other}"
    target = impersonated_credentials.Credentials(
        source,
        other,
        ["https://www.googleapis.com/auth/devstorage.read_write"],
        iam_endpoint_override=f"{base}:generateAccessToken",
    )
    target.refresh(session)
    with wire_to(gcs.url, target.token) as wire:
        assert put(wire, bucket, "key", b"1").status == 200
    with AuthorizedSession(source) as authorized:
        signed = authorized.post(f"{base}:signBlob", json={"payload": "AAAA"}).json()
        assert set(signed) == {"keyId", "signedBlob"}
        unknown = authorized.post(f"{base}x:signBlob", json={"payload": "AAAA"})
        assert unknown.status_code == 404
