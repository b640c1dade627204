"""Listing objects and unfinished uploads. The functions block; they run in worker threads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from cloudkit.api.paging import Page
from cloudkit.api.storage import ObjectEntry, PendingUpload
from cloudkit.api.storage.operations import ListObjects, ListUploads
from cloudkit.aws.s3.attributes import to_class
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.common import ValidationError

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

MAX_PAGE = 1000


class Lister:
    """Lists objects.

    Args:
        settings: What the configuration adds to requests.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def list_objects(self, client: S3Client, op: ListObjects) -> Page[ObjectEntry]:
        """One page, objects and common prefixes in one order."""
        params: dict[str, Any] = {
            "Prefix": op.prefix or None,
            "Delimiter": op.delimiter,
            "StartAfter": op.start_after,
            "MaxKeys": None if op.page_size is None else min(op.page_size, MAX_PAGE),
            "ContinuationToken": op.page_token,
        }
        given = {name: value for name, value in params.items() if value is not None}
        # XML cannot hold all keys. boto3 would ask for the encoding by itself, and take it off by a
        # slower way.
        response: Any = client.list_objects_v2(
            Bucket=op.bucket, EncodingType="url", **given, **self._settings.common
        )
        decode = _decoder(response)
        entries = [_entry(found, decode(found["Key"])) for found in response.get("Contents", [])]
        prefixes = response.get("CommonPrefixes", [])
        entries += [ObjectEntry(key=decode(found["Prefix"]), is_prefix=True) for found in prefixes]
        entries.sort(key=lambda entry: entry.key.encode())
        return Page(entries, response.get("NextContinuationToken") or None)

    def list_uploads(self, client: S3Client, op: ListUploads) -> Page[PendingUpload]:
        """One page of unfinished uploads."""
        params: dict[str, Any] = {"Bucket": op.bucket, "EncodingType": "url"}
        if op.prefix:
            params["Prefix"] = op.prefix
        if op.page_token is not None:
            params |= _markers(op.page_token)
        response: Any = client.list_multipart_uploads(**params, **self._settings.common)
        decode = _decoder(response)
        uploads = [
            PendingUpload(
                key=decode(found["Key"]),
                upload_id=found["UploadId"],
                started_at=found.get("Initiated"),
            )
            for found in response.get("Uploads", [])
        ]
        token = None
        if response.get("IsTruncated"):
            key = decode(response["NextKeyMarker"])
            token = json.dumps([key, response.get("NextUploadIdMarker", "")])
        return Page(uploads, token)


def _decoder(response: Any) -> Callable[[str], str]:
    """What takes the encoding off a key; some stores do not know it, and put none on."""
    return _decode if response.get("EncodingType") == "url" else str


def _decode(key: str) -> str:
    return unquote_plus(key) if "%" in key or "+" in key else key


def _entry(found: Any, key: str) -> ObjectEntry:
    return ObjectEntry(
        key=key,
        size=found["Size"],
        etag=found["ETag"],
        last_modified=found["LastModified"],
        storage_class=to_class(found.get("StorageClass")),
    )


def _markers(token: str) -> dict[str, str]:
    try:
        key, upload_id = json.loads(token)
    except (ValueError, TypeError):
        raise ValidationError("page_token is none that list_uploads has given") from None
    # Directory buckets go by the key alone.
    return {"KeyMarker": str(key), **({"UploadIdMarker": str(upload_id)} if upload_id else {})}
