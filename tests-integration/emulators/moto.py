"""moto's server: DynamoDB over real HTTP, and a second opinion on S3, SQS and SNS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from emulators.environments import python_of
from emulators.process import HOST, Server, answers, serving

_SIGNATURES = "it checks neither signatures nor what a presigned URL is for, nor until when"

STORAGE_DEFECTS: Mapping[str, str] = {
    "test_a_link_to_read_does_not_write": _SIGNATURES,
    "test_a_link_to_write_does_not_read_or_delete": _SIGNATURES,
    "test_a_link_that_was_changed_is_refused": _SIGNATURES,
    "test_an_expired_link_is_refused": _SIGNATURES,
    "test_a_link_to_write_is_bound_to_its_content_type": _SIGNATURES,
    "test_every_ascii_character_is_kept": "a key with a line feed is 404: its routes do not match one",
    "test_conditions_hold_for_parts_too": "CompleteMultipartUpload ignores If-Match",
    "test_a_copy_replaces_only_what_it_may": "CopyObject ignores If-Match and If-None-Match",
    "test_a_copy_takes_only_the_revision_it_names": (
        "CopyObject and UploadPartCopy ignore x-amz-copy-source-if-match"
    ),
    "test_buckets_are_listed_page_by_page": (
        "ListBuckets cuts the list to max-buckets and gives no ContinuationToken to go on with"
    ),
}
"""Behaviours of storage that it has otherwise than S3's documentation says, and what it does."""

QUEUE_DEFECTS: Mapping[str, str] = {}
"""The same for SQS."""

PUBSUB_DEFECTS: Mapping[str, str] = {}
"""The same for SNS."""


@contextmanager
def moto() -> Iterator[Server]:
    """moto's server while the block runs."""
    python = python_of("moto")
    with serving(
        "moto",
        lambda port, folder: [python, "-m", "moto.server", "-H", HOST, "-p", str(port)],
        lambda url: answers(f"{url}/moto-api/"),
    ) as server:
        yield server
