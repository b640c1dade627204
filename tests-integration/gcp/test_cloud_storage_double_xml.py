"""The double of Cloud Storage over plain HTTP: the XML API and V4 signed URLs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from emulators.process import Server
from gcp.wire import Answer, Wire, crc32c, object_path, wire_to
from google.auth import credentials
from google.auth.transport.requests import Request
from google.cloud.storage import _signing  # type: ignore[import-untyped]
from google.oauth2 import service_account

PART = 5 * 1024 * 1024
Sign = Callable[..., str]


@pytest.fixture
def sign(gcs: Server, bucket: Any) -> Sign:
    """Signs URLs of the bucket as Google's client does."""

    def signed(name: str, method: str = "GET", **options: Any) -> str:
        url: str = bucket.blob(name).generate_signed_url(
            version="v4",
            method=method,
            api_access_endpoint=gcs.url,
            **{"expiration": timedelta(minutes=5), **options},
        )
        return url

    return signed


def test_signed_urls_put_get_head_and_delete(stranger: Wire, sign: Sign) -> None:
    name = "folder/ä b+c?&=~.txt"
    put = stranger.send("PUT", sign(name, "PUT"), b"content")
    assert (put.status, put.body) == (200, b"")
    assert put.headers["etag"] == f'"{hashlib.md5(b"content").hexdigest()}"'
    assert crc32c(b"content") in put.headers["x-goog-hash"]
    got = stranger.send("GET", sign(name))
    assert (got.status, got.body) == (200, b"content")
    assert got.headers["x-goog-generation"] == put.headers["x-goog-generation"]
    ranged = stranger.send("GET", sign(name), None, {"Range": "bytes=2-4"})
    assert (ranged.status, ranged.body) == (206, b"nte")
    behind = stranger.send("GET", sign(name), None, {"Range": "bytes=7-"})
    assert (behind.status, behind.xml("Code")) == (416, "InvalidRange")
    head = stranger.send("HEAD", sign(name, "HEAD"))
    assert (head.status, head.headers["content-length"], head.body) == (200, "7", b"")
    assert stranger.send("DELETE", sign(name, "DELETE")).status == 204
    gone = stranger.send("GET", sign(name))
    assert (gone.status, gone.xml("Code")) == (404, "NoSuchKey")


def test_signed_headers_must_be_sent_as_they_were_signed(stranger: Wire, sign: Sign) -> None:
    signed = {"x-goog-if-generation-match": "0", "x-goog-meta-colour": "red"}
    url = sign("key", "PUT", content_type="text/plain", headers=signed)
    sent = {**signed, "Content-Type": "text/plain"}
    without = stranger.send("PUT", url, b"1", {"Content-Type": "text/plain"})
    assert (without.status, without.xml("Code")) == (400, "MalformedSecurityHeader")
    other = stranger.send("PUT", url, b"1", {**sent, "x-goog-meta-colour": "blue"})
    assert (other.status, other.xml("Code")) == (403, "SignatureDoesNotMatch")
    more = stranger.send("PUT", url, b"1", {**sent, "x-goog-meta-more": "1"})
    assert (more.status, more.xml("Code")) == (400, "MalformedSecurityHeader")
    assert stranger.send("PUT", url, b"1", sent).status == 200
    again = stranger.send("PUT", url, b"2", sent)
    assert (again.status, again.xml("Code")) == (412, "PreconditionFailed")
    got = stranger.send("GET", sign("key", response_disposition="attachment; filename=a"))
    assert got.headers["x-goog-meta-colour"] == "red"
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["content-disposition"] == "attachment; filename=a"


def test_signed_urls_hold_for_one_verb_and_object_and_for_a_time(
    gcs: Server, stranger: Wire, sign: Sign
) -> None:
    url = sign("key", "PUT")
    for method, wrong in (("GET", url), ("PUT", url.replace("/key?", "/other?"))):
        answer = stranger.send(method, wrong, b"")
        assert (answer.status, answer.xml("Code")) == (403, "SignatureDoesNotMatch")
        assert answer.xml("StringToSign").startswith("GOOG4-RSA-SHA256\n")
        assert answer.xml("CanonicalRequest").startswith(method)
    longer = url.replace("X-Goog-Expires=300", "X-Goog-Expires=604800")
    assert stranger.send("PUT", longer, b"").status == 403
    too_long = url.replace("X-Goog-Expires=300", "X-Goog-Expires=604801")
    refused = stranger.send("PUT", too_long, b"")
    assert (refused.status, refused.xml("ParameterName")) == (400, "X-Goog-Expires")
    old = datetime.now(UTC) - timedelta(hours=1)
    stamps = (f"{old:%Y%m%dT%H%M%SZ}", f"{old:%Y%m%d}")
    with mock.patch.object(_signing, "get_v4_now_dtstamps", return_value=stamps):
        expired = stranger.send("PUT", sign("key", "PUT"), b"")
    assert (expired.status, expired.xml("Code")) == (400, "ExpiredToken")
    future = datetime.now(UTC) + timedelta(hours=1)
    stamps = (f"{future:%Y%m%dT%H%M%SZ}", f"{future:%Y%m%d}")
    with mock.patch.object(_signing, "get_v4_now_dtstamps", return_value=stamps):
        early = stranger.send("PUT", sign("key", "PUT"), b"")
    assert (early.status, early.xml("Code")) == (403, "RequestTimeTooSkewed")
    with wire_to(gcs.url.replace("127.0.0.1", "localhost")) as elsewhere:
        assert elsewhere.send("PUT", url, b"").status == 403


def test_signatures_of_others_are_refused(
    stranger: Wire, sign: Sign, key_file: dict[str, Any], gcs: Server
) -> None:
    make = service_account.Credentials.from_service_account_info
    unknown = make({**key_file, "client_email": "nobody@tests.iam.gserviceaccount.com"})
    answer = stranger.send("GET", sign("key", credentials=unknown))
    assert (answer.status, answer.xml("Code")) == (403, "AccessDenied")
    v2 = stranger.send("GET", f"{sign('key').split('?')[0]}?GoogleAccessId=a&Expires=1&Signature=b")
    assert (v2.status, v2.xml("Code")) == (501, "NotImplemented")


class Signer(credentials.Signing):
    """Has no key: the service signs for it."""

    def __init__(self, cloud: Wire, email: str) -> None:
        self._cloud = cloud
        self._email = email

    @property
    def signer_email(self) -> str:
        return self._email

    @property
    def signer(self) -> None:
        return None

    def sign_bytes(self, message: bytes) -> bytes:
        payload = {"payload": base64.b64encode(message).decode()}
        path = f"/v1/projects/-/serviceAccounts/{self.signer_email}:signBlob"
        return base64.b64decode(self._cloud.send("POST", path, payload).json["signedBlob"])


def test_signing_by_the_iam_api(
    gcs: Server, key_file: dict[str, Any], stranger: Wire, sign: Sign
) -> None:
    assert stranger.send("PUT", sign("key", "PUT"), b"1").status == 200
    scope = "https://www.googleapis.com/auth/cloud-platform"
    source = service_account.Credentials.from_service_account_info(key_file, scopes=[scope])
    request = Request()
    source.refresh(request)
    request.session.close()
    with wire_to(gcs.url, source.token) as cloud:
        url = sign("key", credentials=Signer(cloud, key_file["client_email"]))
    assert stranger.send("GET", url).body == b"1"


def test_the_xml_api_with_a_token(wire: Wire, stranger: Wire, bucket: Any) -> None:
    path = f"/{bucket.name}/a%2Fb/c"
    headers = {"x-goog-meta-colour": "grün".encode().decode("latin-1"), "Cache-Control": "no-store"}
    assert wire.send("PUT", path, b"data", headers).status == 200
    resource = wire.send("GET", object_path(bucket.name, "a/b/c")).json
    assert (resource["metadata"], resource["cacheControl"]) == ({"colour": "grün"}, "no-store")
    digest = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    wrong = wire.send("PUT", path, b"data", {"Content-MD5": digest})
    assert (wrong.status, wrong.xml("Code")) == (400, "BadDigest")
    stale = {"x-goog-if-generation-match": "1"}
    for method in ("GET", "PUT", "DELETE"):
        assert wire.send(method, path, b"", stale).status == 412
    etag = wire.send("GET", path).headers["etag"]
    assert wire.send("GET", path, None, {"If-None-Match": etag}).status == 304
    nobody = stranger.send("GET", path)
    assert (nobody.status, nobody.xml("Code")) == (401, "AuthenticationRequired")
    no_bucket = wire.send("PUT", "/none-such/key", b"")
    assert (no_bucket.status, no_bucket.xml("Code")) == (404, "NoSuchBucket")


def complete(wire: Wire, path: str, upload: str, *parts: tuple[int, str]) -> Answer:
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in parts
    )
    body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
    return wire.send("POST", path, body, uploadId=upload)


def test_multipart_uploads(wire: Wire, bucket: Any) -> None:
    path = f"/{bucket.name}/large%20%C3%BC"
    headers = {"x-goog-meta-k": "v", "Content-Type": "a/b"}
    upload = wire.send("POST", f"{path}?uploads", b"", headers).xml("UploadId")
    etags = {}
    for number, data in ((3, b"end"), (1, b"a" * PART), (2, b"small")):
        told = {"x-goog-hash": f"crc32c={crc32c(data)}"}
        answer = wire.send("PUT", path, data, told, partNumber=number, uploadId=upload)
        assert told["x-goog-hash"] in answer.headers["x-goog-hash"]
        etags[number] = answer.headers["etag"]
    wrong = {"x-goog-hash": f"crc32c={crc32c(b'other')}"}
    bad = wire.send("PUT", path, b"x", wrong, partNumber=4, uploadId=upload)
    assert (bad.status, bad.xml("Code")) == (400, "BadDigest")
    listed = wire.send("GET", path, uploadId=upload)
    assert listed.body.count(b"<Part>") == 3
    first = wire.send("GET", path, uploadId=upload, **{"max-parts": 1})
    assert (first.xml("IsTruncated"), first.xml("NextPartNumberMarker")) == ("true", "1")
    going_on = wire.send("GET", f"/{bucket.name}?uploads")
    assert (going_on.xml("Key"), going_on.xml("UploadId")) == ("large ü", upload)
    for parts, code in (
        ([(3, etags[3]), (1, etags[1])], "InvalidPartOrder"),
        ([(1, etags[1]), (9, etags[3])], "InvalidPart"),
        ([(1, etags[2])], "InvalidPart"),
        ([(1, etags[1]), (2, etags[2]), (3, etags[3])], "EntityTooSmall"),
        ([], "MalformedCompleteMultipartUploadRequest"),
    ):
        refused = complete(wire, path, upload, *parts)
        assert (refused.status, refused.xml("Code")) == (400, code)
    done = complete(wire, path, upload, (1, etags[1]), (3, etags[3]))
    assert (done.status, done.xml("Key")) == (200, "large ü")
    resource = wire.send("GET", object_path(bucket.name, "large ü")).json
    assert resource["size"] == str(PART + 3)
    assert "md5Hash" not in resource
    assert (resource["metadata"], resource["contentType"]) == ({"k": "v"}, "a/b")
    again = complete(wire, path, upload, (1, etags[1]))
    assert (again.status, again.xml("Code")) == (404, "NoSuchUpload")


def test_multipart_uploads_are_aborted_and_take_no_conditions(wire: Wire, bucket: Any) -> None:
    path = f"/{bucket.name}/key"
    conditional = wire.send("POST", f"{path}?uploads", b"", {"x-goog-if-generation-match": "0"})
    assert conditional.status == 400
    upload = wire.send("POST", f"{path}?uploads", b"").xml("UploadId")
    assert wire.send("DELETE", path, uploadId=upload).status == 204
    late = wire.send("PUT", path, b"x", partNumber=1, uploadId=upload)
    assert (late.status, late.xml("Code")) == (404, "NoSuchUpload")
    assert wire.send("GET", object_path(bucket.name, "key")).status == 404
