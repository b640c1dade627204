"""The double of Object Storage, driven by Oracle's client."""

from __future__ import annotations

import base64
import hashlib
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from emulators.oracle import new_key
from emulators.process import Server
from oci.exceptions import ServiceError  # type: ignore[import-untyped]
from oci.object_storage import ObjectStorageClient, models  # type: ignore[import-untyped]
from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]
from oracle.conftest import COMPARTMENT


def refused(
    status: int, code: str | None, call: Callable[..., Any], *args: Any, **named: Any
) -> Any:
    with pytest.raises(ServiceError) as caught:
        call(*args, **named)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.request_id
    return caught.value


def test_requests_of_other_keys_are_refused(oci_double: Server, config: dict[str, Any]) -> None:
    private, _ = new_key()
    for change in ({"key_content": private}, {"user": "ocid1.user.oc1..other"}):
        client = ObjectStorageClient(
            {**config, **change},
            service_endpoint=oci_double.url,
            retry_strategy=NoneRetryStrategy(),
        )
        refused(401, "NotAuthenticated", client.get_namespace)


def test_changed_and_old_requests_are_refused(
    oci_double: Server, storage: Any, namespace: str
) -> None:
    session = storage.base_client.session
    signer = storage.base_client.signer
    url = f"{oci_double.url}/n/{namespace}/b"
    body = b'{"name": "signed", "compartmentId": "ocid1.compartment.oc1..tests"}'

    def changed(change: Callable[[Any], None]) -> Any:
        def sign(request: Any) -> Any:
            signed = signer(request)
            change(signed)
            return signed

        return session.post(url, data=body, auth=sign)

    def other_body(request: Any) -> None:
        request.body = body.replace(b"signed", b"forged")

    def other_path(request: Any) -> None:
        request.url += "?limit=1"

    for change in (other_body, other_path):
        answer = changed(change)
        assert (answer.status_code, answer.json()["code"]) == (401, "NotAuthenticated")
    old = {"date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    assert session.get(f"{oci_double.url}/n", headers=old, auth=signer).status_code == 401
    assert session.get(f"{oci_double.url}/n").status_code == 401
    assert changed(lambda request: None).status_code == 200


def test_buckets(storage: Any, namespace: str, bucket: str) -> None:
    details = models.CreateBucketDetails(name=bucket, compartment_id=COMPARTMENT)
    refused(409, "BucketAlreadyExists", storage.create_bucket, namespace, details)
    found = storage.get_bucket(namespace, bucket)
    assert (found.data.name, found.data.storage_tier) == (bucket, "Standard")
    assert found.headers["etag"] == storage.head_bucket(namespace, bucket).headers["etag"]
    names = [each.name for each in storage.list_buckets(namespace, COMPARTMENT).data]
    assert bucket in names
    changes = models.UpdateBucketDetails(metadata={"a": "b"})
    assert storage.update_bucket(namespace, bucket, changes).data.metadata == {"a": "b"}
    storage.put_object(namespace, bucket, "one", b"1")
    refused(409, "BucketNotEmpty", storage.delete_bucket, namespace, bucket)
    storage.delete_object(namespace, bucket, "one")
    storage.delete_bucket(namespace, bucket)
    refused(404, "BucketNotFound", storage.get_bucket, namespace, bucket)


@pytest.mark.parametrize("name", ["plain", "a/b c+d%2F?#.txt", "ünï/日本.bin", ".."])
def test_objects_come_back(storage: Any, namespace: str, bucket: str, name: str) -> None:
    put = storage.put_object(
        namespace,
        bucket,
        name,
        io.BytesIO(b"0123456789"),
        content_type="text/plain",
        cache_control="no-store",
        opc_meta={"Color": "red"},
        storage_tier="InfrequentAccess",
    )
    md5 = base64.b64encode(hashlib.md5(b"0123456789").digest()).decode()
    assert put.headers["opc-content-md5"] == md5
    got = storage.get_object(namespace, bucket, name)
    assert got.data.content == b"0123456789"
    for headers in (got.headers, storage.head_object(namespace, bucket, name).headers):
        assert headers["etag"] == put.headers["etag"]
        assert headers["content-type"] == "text/plain"
        assert headers["cache-control"] == "no-store"
        assert headers["opc-meta-color"] == "red"
        assert headers["storage-tier"] == "InfrequentAccess"
        assert headers["content-md5"] == md5
        assert headers["content-length"] == "10"
    storage.delete_object(namespace, bucket, name)
    refused(404, "ObjectNotFound", storage.get_object, namespace, bucket, name)
    refused(404, "ObjectNotFound", storage.delete_object, namespace, bucket, name)
    refused(404, None, storage.head_object, namespace, bucket, name)


def test_ranges(storage: Any, namespace: str, bucket: str) -> None:
    storage.put_object(namespace, bucket, "r", b"0123456789")
    spans = {"bytes=2-4": b"234", "bytes=7-": b"789", "bytes=-3": b"789", "bytes=8-99": b"89"}
    for span, data in spans.items():
        got = storage.get_object(namespace, bucket, "r", range=span)
        assert (got.status, got.data.content) == (206, data)
    told = storage.get_object(namespace, bucket, "r", range="bytes=8-99").headers
    assert told["content-range"] == "bytes 8-9/10"
    refused(416, "InvalidRange", storage.get_object, namespace, bucket, "r", range="bytes=10-")


def test_conditions(storage: Any, namespace: str, bucket: str) -> None:
    place = (namespace, bucket, "c")
    refused(412, "IfMatchFailed", storage.put_object, *place, b"1", if_match="other")
    etag = storage.put_object(*place, b"1", if_none_match="*").headers["etag"]
    refused(412, "IfNoneMatchFailed", storage.put_object, *place, b"2", if_none_match="*")
    refused(412, "IfMatchFailed", storage.get_object, *place, if_match="other")
    refused(304, None, storage.get_object, *place, if_none_match=etag)
    refused(412, "IfMatchFailed", storage.delete_object, *place, if_match="other")
    newer = storage.put_object(*place, b"1", if_match=etag).headers["etag"]
    assert newer != etag
    storage.delete_object(*place, if_match=newer)


def test_checksums(storage: Any, namespace: str, bucket: str) -> None:
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    place = (namespace, bucket, "sum")
    refused(400, "UnmatchedContentMD5", storage.put_object, *place, b"1", content_md5=wrong)
    right = base64.b64encode(hashlib.md5(b"1").digest()).decode()
    storage.put_object(*place, b"1", content_md5=right)


def test_lists(storage: Any, namespace: str, bucket: str) -> None:
    names = ["a", "b/1", "b/2", "c/x/1", "d", "é", "\uffff", "\U0001f600"]
    for name in reversed(names):
        storage.put_object(namespace, bucket, name, name.encode())

    def listed(**options: Any) -> tuple[list[str], list[str] | None, str | None]:
        data = storage.list_objects(namespace, bucket, **options).data
        return [each.name for each in data.objects], data.prefixes, data.next_start_with

    assert listed() == (names, None, None)
    assert listed(start="b/2", end="d") == (["b/2", "c/x/1"], None, None)
    assert listed(start_after="d", limit=1) == (["é"], None, "\uffff")
    assert listed(delimiter="/", limit=3) == (["a"], ["b/", "c/"], "d")
    assert listed(delimiter="/", prefix="c/") == ([], ["c/x/"], None)
    one = storage.list_objects(namespace, bucket, prefix="a", fields="name,size,etag,md5")
    found = one.data.objects[0]
    assert (found.size, found.etag is None, found.time_created) == (1, False, None)
    refused(400, "InvalidParameter", storage.list_objects, namespace, bucket, delimiter="-")


def test_multipart(storage: Any, namespace: str, bucket: str) -> None:
    details = models.CreateMultipartUploadDetails(
        object="big", content_type="text/x", metadata={"opc-meta-a": "1"}
    )
    upload = storage.create_multipart_upload(namespace, bucket, details).data.upload_id
    place = (namespace, bucket, "big", upload)
    etags = {n: storage.upload_part(*place, n, b"%d" % n).headers["etag"] for n in (2, 1, 3)}
    assert [p.part_number for p in storage.list_multipart_upload_parts(*place).data] == [1, 2, 3]

    def commit(parts: dict[int, str], **options: Any) -> Any:
        chosen = [
            models.CommitMultipartUploadPartDetails(part_num=n, etag=e) for n, e in parts.items()
        ]
        told = models.CommitMultipartUploadDetails(parts_to_commit=chosen, parts_to_exclude=[3])
        return storage.commit_multipart_upload(*place, told, **options)

    wanted = {n: etags[n] for n in (1, 2)}
    refused(400, "InvalidUploadPart", commit, {**wanted, 2: "other"})
    storage.put_object(namespace, bucket, "big", b"there")
    refused(412, "IfNoneMatchFailed", commit, wanted, if_none_match="*")
    done = commit(wanted)
    got = storage.get_object(namespace, bucket, "big")
    assert (got.data.content, got.headers["opc-meta-a"]) == (b"12", "1")
    assert got.headers["opc-multipart-md5"] == done.headers["opc-multipart-md5"]
    assert got.headers["opc-multipart-md5"].endswith("-2")
    refused(404, "NoSuchUpload", commit, wanted)
    other = storage.create_multipart_upload(namespace, bucket, details).data.upload_id
    storage.abort_multipart_upload(namespace, bucket, "big", other)
    assert storage.list_multipart_uploads(namespace, bucket).data == []


def test_copies_are_work_requests(storage: Any, namespace: str, bucket: str) -> None:
    storage.put_object(namespace, bucket, "from", b"data", opc_meta={"a": "1"})

    def copied(**options: Any) -> tuple[str, list[str]]:
        details = models.CopyObjectDetails(
            source_object_name="from",
            destination_region="us-ashburn-1",
            destination_namespace=namespace,
            destination_bucket=bucket,
            destination_object_name="to",
            **options,
        )
        answer = storage.copy_object(namespace, bucket, details)
        identity = answer.headers["opc-work-request-id"]
        statuses = [storage.get_work_request(identity).data.status for _ in range(3)]
        return identity, statuses

    _, statuses = copied(destination_object_if_none_match_e_tag="*")
    assert statuses == ["ACCEPTED", "IN_PROGRESS", "COMPLETED"]
    got = storage.get_object(namespace, bucket, "to")
    assert (got.data.content, got.headers["opc-meta-a"]) == (b"data", "1")
    identity, statuses = copied(destination_object_if_none_match_e_tag="*")
    assert statuses[-1] == "FAILED"
    errors = storage.list_work_request_errors(identity).data
    assert [each.code for each in errors] == ["IfNoneMatchFailed"]
    refused(412, "IfMatchFailed", copied, source_object_if_match_e_tag="other")


def test_rename_and_batch_delete(storage: Any, namespace: str, bucket: str) -> None:
    storage.put_object(namespace, bucket, "old", b"data")
    storage.rename_object(
        namespace, bucket, models.RenameObjectDetails(source_name="old", new_name="new")
    )
    assert storage.get_object(namespace, bucket, "new").data.content == b"data"
    refused(404, "ObjectNotFound", storage.get_object, namespace, bucket, "old")
    names = [models.BatchDeleteObjectIdentifier(object_name=name) for name in ("new", "old")]
    result = storage.batch_delete_objects(
        namespace, bucket, models.BatchDeleteObjectsDetails(objects=names)
    ).data
    assert [each.object_name for each in result.deleted] == ["new"]
    assert [(each.object_name, each.status_code) for each in result.failed] == [("old", 404)]


def test_preauthenticated_requests(storage: Any, namespace: str, bucket: str) -> None:
    def granted(kind: str, name: str | None, seconds: float = 60, **options: Any) -> Any:
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        details = models.CreatePreauthenticatedRequestDetails(
            name="grant", access_type=kind, object_name=name, time_expires=expires, **options
        )
        return storage.create_preauthenticated_request(namespace, bucket, details).data

    def opened(url: str, method: str = "GET", data: bytes | None = None) -> tuple[int, bytes]:
        try:
            with urlopen(Request(url, data, method=method), timeout=10) as response:
                return response.status, response.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    write = granted("ObjectWrite", "a b/ü")
    read = granted("ObjectRead", "a b/ü")
    assert opened(write.full_path, "PUT", b"data")[0] == 200
    assert opened(read.full_path) == (200, b"data")
    assert opened(read.full_path, "PUT", b"other")[0] == 404
    assert opened(write.full_path)[0] == 404
    every = granted("AnyObjectRead", None, bucket_listing_action="ListObjects")
    assert opened(f"{every.full_path}a%20b/%C3%BC") == (200, b"data")
    assert opened(every.full_path)[0] == 200
    assert len(storage.list_preauthenticated_requests(namespace, bucket).data) == 3
    storage.delete_preauthenticated_request(namespace, bucket, read.id)
    assert opened(read.full_path)[0] == 401
    short = granted("ObjectRead", "a b/ü", seconds=1)
    deadline = time.monotonic() + 10
    while (status := opened(short.full_path)[0]) == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status == 401
