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

QUEUE_DEFECTS: Mapping[str, str] = {
    "test_a_duplicate_is_dropped_after_the_first_was_acknowledged_as_well": (
        "it forgets a deduplication id with the message that had it; SQS knows it for five minutes"
    ),
    "test_purging_an_empty_queue_is_fine_and_the_queue_works_on": (
        "no defect: SQS, too, purges a queue once in 60 seconds (PurgeQueueInProgress), so that the "
        "second purge is a RateLimitedError"
    ),
}
"""The same for SQS."""

_NO_ATTRIBUTES = "what it posts to an endpoint holds no MessageAttributes"

PUBSUB_DEFECTS: Mapping[str, str] = {
    "test_strange_values_of_attributes_arrive_as_they_are": (
        "a binary attribute that comes by SNS makes ReceiveMessage fail with 500"
    ),
    "test_messages_are_pushed_to_the_endpoint": _NO_ATTRIBUTES,
    "test_pushed_bodies_arrive_byte_for_byte": _NO_ATTRIBUTES,
    "test_a_message_that_the_endpoint_refuses_is_pushed_again": (
        "an endpoint that answers with an error is not asked again, whatever the delivery policy"
    ),
}
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
