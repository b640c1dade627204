"""Buckets. The functions block; they run in worker threads."""

from __future__ import annotations

from cloudkit.api.paging import Page
from cloudkit.api.storage import BucketInfo
from cloudkit.api.storage.operations import BucketExists, CreateBucket, DeleteBucket, ListBuckets
from cloudkit.azure.blob.client import BlobClient, parsed
from cloudkit.azure.errors import code_of, status_of
from cloudkit.common import ConflictError

MAX_PAGE = 5000

CONTAINER = {"restype": "container"}


def create(client: BlobClient, op: CreateBucket) -> BucketInfo:
    """Create a bucket that only who signs in can read.

    One of this name that was deleted just now is still being deleted, for half a minute or more:
    that is a ConflictError that is worth another try.
    """
    client.send("PUT", op.bucket, query=CONTAINER)
    return BucketInfo(name=op.bucket)


def delete(client: BlobClient, op: DeleteBucket) -> None:
    """Delete an empty bucket.

    Blob Storage deletes a container with all that is in it, and has no condition for an empty one;
    a lease would keep others from deleting it, but not from writing to it. So it is looked into
    first: an object that is written between the two requests is lost.

    Raises:
        ConflictError: It has objects or snapshots of them.
    """
    query = {**CONTAINER, "comp": "list", "maxresults": "1", "include": "snapshots"}
    while True:
        root = parsed(client.send("GET", op.bucket, query=query).read())
        if root.find("Blobs/Blob") is not None:
            raise ConflictError("the bucket is not empty", hint="Delete its objects first.")
        marker = root.findtext("NextMarker")
        if not marker:
            break
        query["marker"] = marker  # a page may be empty although others are not
    client.send("DELETE", op.bucket, query=CONTAINER)


def exists(client: BlobClient, op: BucketExists) -> bool:
    """Whether there is a bucket. One that is being deleted is gone."""
    try:
        client.send("HEAD", op.bucket, query=CONTAINER)
    except Exception as error:
        if status_of(error) == 404 or code_of(error) == "ContainerBeingDeleted":
            return False
        raise
    return True


def list_page(client: BlobClient, op: ListBuckets) -> Page[BucketInfo]:
    """One page of the account's buckets."""
    query = {"comp": "list", "maxresults": str(min(op.page_size or MAX_PAGE, MAX_PAGE))}
    if op.prefix:
        query["prefix"] = op.prefix
    if op.page_token is not None:
        query["marker"] = op.page_token
    root = parsed(client.send("GET", None, query=query).read())
    names = [found.findtext("Name") or "" for found in root.iterfind("Containers/Container")]
    return Page([BucketInfo(name=name) for name in names], root.findtext("NextMarker") or None)
