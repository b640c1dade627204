"""Writes: the request that carries one out, and what to do when the service refuses it.

What Firestore can judge by itself (there is no document, or it is still the one of a version) it is
asked to. For the rest the item is read and judged here, and written on the condition that it is still
the one that was judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.api.kv import Check, Delete, Item, Key, Put, TransactWrite, Update, apply_update
from cloudkit.api.kv.judging import judge, moment_after, needs_item
from cloudkit.api.kv.models import Keep
from cloudkit.api.kv.operations import check_document
from cloudkit.common import (
    KeyValueCapabilities,
)
from cloudkit.gcp.firestore.changes import changed_fields
from cloudkit.gcp.firestore.items import Image, ItemCodec, Version, version_text
from cloudkit.gcp.firestore.keys import EXPIRES, Schema

if TYPE_CHECKING:
    from cloudkit.gcp.firestore.client import FirestoreClient


@frozen
class Request:
    """A write as the service takes it.

    Attributes:
        write: The message; None when there is nothing to write.
        expires_at: When the item ends that it makes.
        document: What an update makes of the item; None for others.
    """

    write: Mapping[str, Any] | None
    expires_at: datetime | None = None
    document: dict[str, Any] | None = None


@frozen
class Written:
    """What a write has made.

    Attributes:
        version: The item's; None after a delete or a check.
        item: After an update.
    """

    version: str | None = None
    item: Item | None = None


NOTHING = Request(None)


@frozen
class Writer:
    """Makes the requests of one write.

    Attributes:
        schema: Of the table.
        write: What is to be done.
        capabilities: Limits of documents.
    """

    schema: Schema
    write: TransactWrite
    capabilities: KeyValueCapabilities

    @property
    def codec(self) -> ItemCodec:
        """For the items of the table."""
        return ItemCodec(self.schema)

    @property
    def key(self) -> Key:
        """Of the item."""
        return self.write.key

    @property
    def asks(self) -> bool:
        """Whether it depends on what stands at the key."""
        write = self.write
        return write.conditional or isinstance(write, (Update, Check)) or needs_item(write)

    def name(self, client: FirestoreClient) -> str:
        """The name of the item's document.

        Raises:
            ValidationError: The key does not fit the table.
        """
        return client.name(self.schema.table, self.schema.document_id(self.key))

    def first(self, client: FirestoreClient) -> Request | None:
        """A request for the service to judge; None when what stands at the key must be known.

        Raises:
            ValidationError: The key does not fit the table.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        precondition = self._direct()
        return None if precondition is None else self._request(client, precondition, None)

    def under(self, client: FirestoreClient, image: Image) -> Request:
        """A request that only asks that the item is still as it was.

        Args:
            client: Knows the names.
            image: What stands at the key.

        Raises:
            CloudError: What stands at the key does not allow the write.
        """
        judge(self.write, image.item)
        if image.raw is None and isinstance(self.write, Delete):
            return NOTHING
        return self._request(client, image.precondition, image.item)

    def written(self, request: Request, update_time: Any) -> Written:
        """What a request has made.

        Args:
            request: That was carried out.
            update_time: Of the document, as the service gave it.
        """
        if not isinstance(self.write, (Put, Update)):
            return Written()
        version = version_text(update_time, request.expires_at)
        if request.document is None:
            return Written(version)
        return Written(version, Item(key=self.key, document=request.document, version=version,
                                     expires_at=request.expires_at))  # fmt: skip

    def _direct(self) -> Mapping[str, Any] | None:
        """What the service can be asked for in place of all that the write asks for."""
        write = self.write
        if not self.asks:
            return {}
        if write.condition is not None or not isinstance(write, (Put, Delete)):
            return None
        if isinstance(write, Put) and write.if_absent:
            return {"exists": False}
        version = None if write.if_version is None else Version.parse(write.if_version)
        if version is None or version.expired:
            return None
        return version.precondition

    def _request(
        self, client: FirestoreClient, precondition: Mapping[str, Any], item: Item | None
    ) -> Request:
        name = self.name(client)
        asked = {"current_document": precondition} if precondition else {}
        match self.write:
            case Put() as put:
                expires_at = moment_after(put.expires_in)
                fields = self.codec.encode(put.key, put.document, expires_at)
                return Request({"update": {"name": name, "fields": fields}, **asked}, expires_at)
            case Update() as update if item is not None:
                return self._update(name, update, item, asked)
            case Delete():
                return Request({"delete": name, **asked})
        return NOTHING

    def _update(self, name: str, write: Update, item: Item, asked: Mapping[str, Any]) -> Request:
        after = apply_update(
            item.document, set=write.set, increment=write.increment, remove=write.remove
        )
        check_document(after, self.capabilities)
        expires_at = item.expires_at
        if not isinstance(write.expires_in, Keep):
            expires_at = moment_after(write.expires_in)
        self.codec.encode(write.key, after, expires_at)  # which checks what is to be
        fields, paths = changed_fields(write, item, after)
        labels = self.codec.labels(write.key, expires_at)
        message = {
            "update": {"name": name, "fields": {**fields, **labels}},
            "update_mask": {"field_paths": [*paths, *labels.keys() | {EXPIRES}]},
            **asked,
        }
        return Request(message, expires_at, after)
