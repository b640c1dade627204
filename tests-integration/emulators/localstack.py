"""LocalStack: S3, SQS and SNS over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from emulators.defects import Erratic
from emulators.environments import python_of
from emulators.process import HOST, Server, answers, serving

_ENCODED_MARKS = (
    "list_objects_v2 with encoding-type=url compares start-after and the continuation token, which are "
    "plain, with percent-encoded keys: '%C3%A9' < 'é', so keys come twice or not at all. The encoding "
    "is documented to be one of the response only"
)
_SLASH = "a request for the key '/' (path /bucket//) is taken for one to the bucket, a POST for a form upload"

STORAGE_DEFECTS: Mapping[str, str] = {
    "test_order_is_by_utf8_bytes": _ENCODED_MARKS,
    "test_a_strange_key_works_everywhere[spaces]": _ENCODED_MARKS,
    "test_a_strange_key_works_everywhere[percent]": _ENCODED_MARKS,
    "test_a_strange_key_works_everywhere[hash]": _ENCODED_MARKS,
    "test_a_strange_key_works_everywhere[only a slash]": _SLASH,
    "test_a_strange_key_works_in_parts[only a slash]": _SLASH,
    "test_a_strange_key_works_in_a_link[only a slash]": _SLASH,
    "test_a_link_that_was_changed_is_refused": (
        "a presigned URL whose X-Amz-Expires is no number is answered with 500, in place of "
        "AuthorizationQueryParametersError, which is a 400"
    ),
    "test_a_copy_replaces_only_what_it_may": (
        "CopyObject ignores If-Match and If-None-Match, which S3 has checked since October 2025"
    ),
    "test_a_delete_removes_only_the_revision_it_names": (
        "DeleteObject answers If-Match with 501, which S3 has in general purpose buckets as well "
        "since September 2025"
    ),
}
"""Behaviours of storage that it has otherwise than S3's documentation says, and what it does."""

_GROUP_LOCK = Erratic(
    "giving back one message of a FIFO group unlocks the group while others of it are in flight, so "
    "that later ones are handed out before it; SQS gives none of a group as long as some are in flight"
)

QUEUE_DEFECTS: Mapping[str, str] = {
    "test_consuming_keeps_the_order_of_a_group": _GROUP_LOCK,
}
"""The same for SQS."""

PUBSUB_DEFECTS: Mapping[str, str] = {
    "test_consuming_keeps_the_order_of_a_group": _GROUP_LOCK,
    "test_a_message_that_the_endpoint_refuses_is_pushed_again": (
        "an endpoint that answers with an error is not asked again, whatever the delivery policy"
    ),
}
"""The same for SNS."""


@contextmanager
def localstack() -> Iterator[Server]:
    """LocalStack while the block runs."""
    python = python_of("localstack")
    with serving(
        "localstack",
        lambda port, folder: [python, "-m", "localstack.runtime.main"],
        lambda url: answers(f"{url}/_localstack/health"),
        environment=_environment,
    ) as server:
        yield server


@cache
def credentials(url: str) -> tuple[str, str]:
    """An access key and its secret that it knows: only with those it checks presigned URLs."""
    from botocore.session import Session

    session = Session()
    session.set_credentials("test", "test")
    iam: Any = session.create_client("iam", region_name="us-east-1", endpoint_url=url)
    iam.create_user(UserName="cloudkit")
    key = iam.create_access_key(UserName="cloudkit")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def _environment(port: int, folder: Path) -> dict[str, str]:
    return {
        # Its other server binds every interface.
        "GATEWAY_SERVER": "hypercorn",
        "GATEWAY_LISTEN": f"{HOST}:{port}",
        "FILESYSTEM_ROOT": str(folder / "root"),
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        # Only then does it check presigned URLs.
        "S3_SKIP_SIGNATURE_VALIDATION": "0",
    }
