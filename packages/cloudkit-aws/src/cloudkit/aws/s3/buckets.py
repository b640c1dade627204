"""Buckets. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudkit.api.paging import Page
from cloudkit.api.storage import BucketInfo
from cloudkit.api.storage.operations import BucketExists, CreateBucket, DeleteBucket, ListBuckets
from cloudkit.aws.errors import status_of
from cloudkit.common import AlreadyExistsError, UnsupportedOperationError

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

MAX_PAGE = 1000
DIRECTORY = "--x-s3"
"""What the names of directory buckets end with."""
FIRST_REGION = "us-east-1"
"""The region that is not named when a bucket is created, and says yes to creating it again."""


def create(client: S3Client, op: CreateBucket) -> BucketInfo:
    """Create a bucket in the client's region.

    Directory buckets have a zone, and are made with settings that the contract does not know.

    us-east-1 answers that it has created a bucket also when the caller has it already, so there it
    is looked for first. Two callers that create it at the same time may then both succeed.

    Raises:
        AlreadyExistsError: There is one.
        UnsupportedOperationError: It would be a directory bucket.
    """
    if op.bucket.endswith(DIRECTORY):
        raise UnsupportedOperationError(
            "a directory bucket is made with settings of its own",
            hint="Create it with 'cloud.native.s3'; its objects can be used like any others.",
        )
    region = client.meta.region_name
    if region in {FIRST_REGION, "aws-global"}:
        if _found(client, op.bucket):
            raise AlreadyExistsError("the bucket exists already, and is the caller's own")
        client.create_bucket(Bucket=op.bucket)
    else:
        constraint: Any = {"LocationConstraint": region}
        client.create_bucket(Bucket=op.bucket, CreateBucketConfiguration=constraint)
    return BucketInfo(name=op.bucket, region=region)


def delete(client: S3Client, op: DeleteBucket, owner: Mapping[str, Any]) -> None:
    """Delete an empty bucket.

    Args:
        client: The client.
        op: What is asked for.
        owner: Parameters that say whose it must be.
    """
    client.delete_bucket(Bucket=op.bucket, **owner)


def exists(client: S3Client, op: BucketExists, owner: Mapping[str, Any]) -> bool:
    """Whether there is a bucket; arguments as for ``delete``.

    S3 says 403 of somebody else's, and of one's own that one may not look at; also of a missing one
    to a caller who may not list buckets. So that is a PermissionDeniedError and no answer.
    """
    try:
        client.head_bucket(Bucket=op.bucket, **owner)
    except client.exceptions.ClientError as error:
        if status_of(error) == 404:
            return False
        if status_of(error) != 301:  # it is in another region
            raise
    return True


def list_page(client: S3Client, op: ListBuckets) -> Page[BucketInfo]:
    """One page of the caller's buckets."""
    params: dict[str, Any] = {"MaxBuckets": min(op.page_size or MAX_PAGE, MAX_PAGE)}
    if op.prefix:
        params["Prefix"] = op.prefix
    if op.page_token is not None:
        params["ContinuationToken"] = op.page_token
    response: Any = client.list_buckets(**params)
    buckets = [
        BucketInfo(
            name=found["Name"],
            created_at=found.get("CreationDate"),
            region=found.get("BucketRegion"),
        )
        for found in response.get("Buckets", [])
        if found["Name"].startswith(op.prefix)  # stores other than AWS may not know of prefixes
    ]
    return Page(buckets, response.get("ContinuationToken"))


def _found(client: S3Client, bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except client.exceptions.ClientError:
        return False  # whatever it is: creating it will tell
    return True
