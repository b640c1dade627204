"""What a provider can do, as data: flags and limits for each contract.

The contracts check them before anything is sent, the conformance suites are gated by them, and the
tables in the documentation are generated from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import Factory, field, fields, frozen
from cloudkit.common.errors import PayloadTooLargeError, UnsupportedOperationError, ValidationError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


@frozen
class NameRule:
    """What a name must look like.

    Attributes:
        pattern: Regular expression that the whole name matches.
        description: The same in words, for the error message.
        max_bytes: Longest name, in bytes of UTF-8.
    """

    pattern: str
    description: str
    max_bytes: int = 1024

    def check(self, name: str, what: str) -> None:
        """Check a name.

        Args:
            name: The name.
            what: What it names, for the message: ``"bucket"``, ``"queue"``.

        Raises:
            ValidationError: The name breaks the rule.
        """
        if not re.fullmatch(self.pattern, name) or len(name.encode()) > self.max_bytes:
            raise ValidationError(f"{name!r} is not a valid {what} name: {self.description}")


ANY_NAME = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
    "1 to 63 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
)
BUCKET_NAME = NameRule(
    r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]",
    "3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit",
)


def _flag(doc: str, *, default: bool = True) -> Any:
    return field(default=default, metadata={"doc": doc, "kind": "flag"})


def _limit(default: float | None, unit: str, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc, "kind": "limit", "unit": unit})


def _name(default: NameRule, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc, "kind": "name"})


@frozen(kw_only=True)
class ContractCapabilities:
    """Base of the capabilities of one contract.

    Attributes:
        reasons: For a flag that says no: why, in words for the user.
    """

    contract: ClassVar[str]
    reasons: Mapping[str, str] = field(factory=dict, metadata={"kind": "text"})

    def require(self, flag: str, what: str) -> None:
        """Refuse what the provider cannot do.

        Args:
            flag: Name of a flag of this class.
            what: What was asked for, for the message.

        Raises:
            UnsupportedOperationError: The flag says no.
        """
        if getattr(self, flag):
            return
        raise UnsupportedOperationError(
            f"{what} is not supported by this provider",
            capability=f"{self.contract}.{flag}",
            hint=self.reasons.get(flag),
        )

    def require_size(self, limit: str, size: int, what: str) -> None:
        """Refuse a payload that is larger than a limit in bytes.

        Raises:
            PayloadTooLargeError: ``size`` is above the limit.
        """
        maximum = getattr(self, limit)
        if maximum is not None and size > maximum:
            raise PayloadTooLargeError(
                f"{what} has {size:,} bytes; the limit is {maximum:,} bytes ({self.contract}.{limit})"
            )

    def unit_of(self, name: str) -> str:
        """The unit of a limit; empty for what is no limit."""
        return str(getattr(fields(type(self)), name).metadata.get("unit", ""))

    def describe(self) -> list[tuple[str, str, Any, str]]:
        """Rows of (name, kind, value, documentation), for tables."""
        return [
            (a.name, a.metadata["kind"], getattr(self, a.name), a.metadata["doc"])
            for a in fields(type(self))
            if "doc" in a.metadata
        ]


@frozen(kw_only=True)
class StorageCapabilities(ContractCapabilities):
    """ObjectStorage. Sizes in bytes, times in seconds."""

    contract: ClassVar[str] = "storage"
    conditional_put: bool = _flag("if_match and if_none_match on put_object")
    conditional_multipart: bool = _flag("the same conditions for objects uploaded in parts")
    conditional_copy: bool = _flag("if_match and if_none_match on the destination of a copy")
    conditional_delete: bool = _flag("if_match on delete_object")
    storage_class: bool = _flag("storage_class on put and copy")
    list_uploads: bool = _flag("unfinished uploads can be listed")
    presigned_get: bool = _flag("presigned_get_url")
    presigned_put: bool = _flag("presigned_put_url")
    presigned_content_type: bool = _flag("a presigned PUT can be bound to a content type")
    non_ascii_metadata: bool = _flag("metadata values outside ASCII")
    max_object_size: int | None = _limit(5 * TIB, "bytes", "largest object")
    max_put_size: int = _limit(5 * GIB, "bytes", "largest object sent in one request")
    min_part_size: int = _limit(5 * MIB, "bytes", "smallest part of an upload, but for the last")
    max_part_size: int = _limit(5 * GIB, "bytes", "largest part of an upload")
    max_parts: int = _limit(10_000, "parts", "most parts of one upload")
    max_key_bytes: int = _limit(1024, "bytes", "longest key, in UTF-8")
    max_metadata_bytes: int = _limit(2 * KIB, "bytes", "names and values of the metadata together")
    delete_batch: int = _limit(1000, "keys", "keys sent in one request by delete_objects")
    max_presign_seconds: float = _limit(7 * 86400, "seconds", "longest life of a presigned URL")
    max_page_size: int = _limit(1000, "entries", "most entries of one page of a listing")
    bucket_name: NameRule = _name(BUCKET_NAME, "names of buckets")


@frozen(kw_only=True)
class KeyValueCapabilities(ContractCapabilities):
    """KeyValueStore. Sizes in bytes."""

    contract: ClassVar[str] = "kv"
    conditions: bool = _flag("condition expressions on put, update and delete")
    ttl: bool = _flag("expires_in")
    scan: bool = _flag("scan of a whole table")
    consistent_reads: bool = _flag("a read sees every write that was acknowledged before it")
    transactions: bool = _flag("transact")
    cross_partition_transactions: bool = _flag("a transaction over several partitions")
    cross_table_transactions: bool = _flag("a transaction over several tables")
    max_item_bytes: int | None = _limit(
        400 * KIB, "bytes", "largest item, as the service counts it"
    )
    max_partition_key_bytes: int = _limit(1024, "bytes", "longest partition key, in UTF-8")
    max_sort_key_bytes: int = _limit(1024, "bytes", "longest sort key, in UTF-8")
    max_depth: int = _limit(20, "levels", "deepest nesting of a document")
    max_decimal_digits: int = _limit(38, "digits", "significant digits of a Decimal")
    max_transaction_items: int = _limit(100, "items", "most writes of one transaction")
    batch_get: int = _limit(100, "keys", "keys sent in one request by batch_get")
    batch_write: int = _limit(25, "items", "writes sent in one request by batch_write")
    max_page_size: int = _limit(1000, "items", "most items of one page")
    table_name: NameRule = _name(ANY_NAME, "names of tables")


@frozen(kw_only=True)
class MessagingCapabilities(ContractCapabilities):
    """What queues and subscriptions have in common. Sizes in bytes, times in seconds."""

    attributes: bool = _flag("message attributes")
    visibility: bool = _flag("receive can choose the length of the lease")
    extend: bool = _flag("a lease can be prolonged")
    extend_length: bool = _flag("extend chooses when the lease ends, and not the service")
    nack_delay: bool = _flag("a message can be given back with a delay")
    single_ack: bool = _flag("messages are acknowledged one by one, in any order")
    dead_letter: bool = _flag("messages that fail too often, or are rejected, are set aside")
    list_dead_letters: bool = _flag("dead letters can be read")
    redrive: bool = _flag("dead letters can be sent back")
    max_message_bytes: int = _limit(256 * KIB, "bytes", "largest message, attributes included")
    max_attributes: int = _limit(10, "attributes", "most attributes of one message")
    max_receive: int = _limit(10, "messages", "most messages of one receive")
    max_wait_seconds: float = _limit(20, "seconds", "longest wait of one receive")
    min_visibility_seconds: float = _limit(1, "seconds", "shortest lease")
    max_visibility_seconds: float = _limit(12 * 3600, "seconds", "longest lease")
    send_batch: int = _limit(10, "messages", "messages sent in one request")
    ack_batch: int = _limit(10, "messages", "acknowledgements sent in one request")
    max_receives: int = _limit(1000, "receives", "highest max_receives of a dead-letter policy")
    min_receives: int = _limit(1, "receives", "lowest max_receives of a dead-letter policy")
    max_deliveries: int | None = _limit(
        None, "receives", "receives after which a message is dropped where there is no such policy"
    )


@frozen(kw_only=True)
class QueueCapabilities(MessagingCapabilities):
    """MessageQueue."""

    contract: ClassVar[str] = "queue"
    pull: bool = _flag("messages can be received")
    fifo: bool = _flag("queues that keep the order inside a group")
    dedup: bool = _flag("duplicates inside a window are dropped by their dedup_id")
    delay: bool = _flag("messages that become visible later")
    purge: bool = _flag("purge")
    purge_leased: bool = _flag("purge drops leased messages as well")
    stats: bool = _flag("stats")
    retention: bool = _flag("the retention of a queue can be chosen")
    max_delay_seconds: float = _limit(900, "seconds", "longest delay")
    max_retention_seconds: float = _limit(14 * 86400, "seconds", "longest retention")
    queue_name: NameRule = _name(ANY_NAME, "names of queues")


@frozen(kw_only=True)
class PubSubCapabilities(MessagingCapabilities):
    """PubSub."""

    contract: ClassVar[str] = "pubsub"
    subscriptions: bool = _flag("subscriptions can be received from")
    filters: bool = _flag("subscriptions with a filter on attributes")
    ordering: bool = _flag("ordering keys")
    push: bool = _flag("subscriptions that push to an HTTP endpoint")
    new_subscription_starts_at_end: bool = _flag("a new subscription gets only what comes later")
    topic_name: NameRule = _name(ANY_NAME, "names of topics")
    subscription_name: NameRule = _name(ANY_NAME, "names of subscriptions")


@frozen(kw_only=True)
class FunctionsCapabilities(ContractCapabilities):
    """Functions. Sizes in bytes."""

    contract: ClassVar[str] = "functions"
    invoke_async: bool = _flag("invoke_async")
    list_functions: bool = _flag("list_functions")
    qualifiers: bool = _flag("versions or aliases of a function can be chosen")
    logs: bool = _flag("the tail of the function's log comes back with the result")
    max_payload_bytes: int = _limit(6 * MIB, "bytes", "largest payload of invoke")
    max_async_payload_bytes: int = _limit(256 * KIB, "bytes", "largest payload of invoke_async")
    function_name: NameRule = _name(
        NameRule(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}", "1 to 255 letters, digits and ._:/-"),
        "names of functions",
    )


@frozen(kw_only=True)
class Capabilities:
    """All capabilities of a provider."""

    storage: StorageCapabilities = Factory(StorageCapabilities)
    kv: KeyValueCapabilities = Factory(KeyValueCapabilities)
    queue: QueueCapabilities = Factory(QueueCapabilities)
    pubsub: PubSubCapabilities = Factory(PubSubCapabilities)
    functions: FunctionsCapabilities = Factory(FunctionsCapabilities)

    def contracts(self) -> tuple[ContractCapabilities, ...]:
        """The five, in the order of the documentation."""
        return (self.storage, self.kv, self.queue, self.pubsub, self.functions)
