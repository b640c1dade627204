"""Buckets. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudkit.api.paging import Page
from cloudkit.api.storage import BucketInfo
from cloudkit.api.storage.operations import BucketExists, CreateBucket, DeleteBucket, ListBuckets
from cloudkit.gcp.errors import status_of
from cloudkit.gcp.storage.attributes import to_time
from cloudkit.gcp.storage.client import StorageClient, bucket_path

MAX_PAGE = 1000


def create(client: StorageClient, op: CreateBucket) -> BucketInfo:
    """Create a bucket in the configured region, or where the service puts it."""
    region = client.settings.config.region
    body = {"name": op.bucket} | ({} if region is None else {"location": region.name})
    return _info(client.json("POST", "/b", {"project": client.project}, body))


def delete(client: StorageClient, op: DeleteBucket) -> None:
    """Delete an empty bucket."""
    client.json("DELETE", bucket_path(op.bucket))


def exists(client: StorageClient, op: BucketExists) -> bool:
    """Whether there is a bucket. Of somebody else's the service says 403, which is no answer."""
    try:
        client.json("GET", bucket_path(op.bucket), {"fields": "name"})
    except Exception as error:
        if status_of(error) == 404:
            return False
        raise
    return True


def list_page(client: StorageClient, op: ListBuckets) -> Page[BucketInfo]:
    """One page of the project's buckets."""
    wanted = {
        "project": client.project,
        "prefix": op.prefix or None,
        "maxResults": str(min(op.page_size or MAX_PAGE, MAX_PAGE)),
        "pageToken": op.page_token,
        "fields": "items(name,timeCreated,location),nextPageToken",
    }
    query = {name: value for name, value in wanted.items() if value is not None}
    answer = client.json("GET", "/b", query)
    return Page([_info(found) for found in answer.get("items", [])], answer.get("nextPageToken"))


def _info(resource: Mapping[str, Any]) -> BucketInfo:
    location = resource.get("location")
    return BucketInfo(
        name=resource["name"],
        created_at=to_time(resource["timeCreated"]),
        region=None if location is None else location.lower(),
    )
