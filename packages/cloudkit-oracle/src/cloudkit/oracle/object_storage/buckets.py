"""Buckets. The functions block; they run in worker threads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudkit.api.paging import Page
from cloudkit.api.storage import BucketInfo
from cloudkit.api.storage.operations import BucketExists, CreateBucket, DeleteBucket, ListBuckets
from cloudkit.oracle.errors import code_of, status_of
from cloudkit.oracle.object_storage.presigning import withdraw_all
from cloudkit.oracle.object_storage.space import BUCKET, BUCKETS, Space
from cloudkit.oracle.object_storage.writing import UPLOADS

MAX_PAGE = 1000


def create(space: Space, op: CreateBucket, compartment: str) -> BucketInfo:
    """Create a bucket that only who signs in can read."""
    body = {"name": op.bucket, "compartmentId": compartment}
    return _info(space, space.send("POST", BUCKETS, body=body).data)


def delete(space: Space, op: DeleteBucket) -> None:
    """Delete an empty bucket.

    Presigned URLs are resources in the bucket, which keep it from being deleted. Those of an empty
    bucket lead nowhere, so they go with it; requests that others have made stay, and so it does.
    """
    try:
        space.send("DELETE", BUCKET, op.bucket)
    except Exception as error:
        if code_of(error) != "BucketNotEmpty" or not _is_empty(space, op.bucket):
            raise
        if not withdraw_all(space, op.bucket):
            raise
        space.send("DELETE", BUCKET, op.bucket)


def exists(space: Space, op: BucketExists) -> bool:
    """Whether there is a bucket that the caller may see."""
    try:
        space.send("HEAD", BUCKET, op.bucket)
    except Exception as error:
        if status_of(error) == 404:
            return False
        raise
    return True


def list_page(space: Space, op: ListBuckets, compartment: str) -> Page[BucketInfo]:
    """One page of the compartment's buckets. The service knows no prefix: a page may be short."""
    response = space.send(
        "GET",
        BUCKETS,
        query={
            "compartmentId": compartment,
            "limit": min(op.page_size or MAX_PAGE, MAX_PAGE),
            "page": op.page_token,
        },
    )
    found = [_info(space, each) for each in response.data if each["name"].startswith(op.prefix)]
    return Page(found, response.headers.get("opc-next-page"))


def _is_empty(space: Space, bucket: str) -> bool:
    objects = space.send("GET", f"{BUCKET}/o", bucket, query={"limit": 1}).data["objects"]
    return not objects and not space.send("GET", UPLOADS, bucket, query={"limit": 1}).data


def _info(space: Space, found: Any) -> BucketInfo:
    created_at = datetime.fromisoformat(found["timeCreated"])
    return BucketInfo(name=found["name"], created_at=created_at, region=space.region)
