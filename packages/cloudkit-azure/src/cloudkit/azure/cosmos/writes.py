"""Writes: the request that carries one out, and what to do when the service refuses it.

Where one request can ask for all that the write asks for, it is sent. Else, and when the service has
refused it, what stands at the key is read and judged as the contract says, and the next request asks
only that the item still has the ETag that was judged.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from cloudkit.api.kv import Check, Delete, Item, Put, TransactWrite, Update, apply_update
from cloudkit.api.kv.judging import judge, moment_after
from cloudkit.api.kv.models import Keep
from cloudkit.api.kv.operations import check_document
from cloudkit.azure.cosmos.changes import IndirectError, Patch, patch_for
from cloudkit.azure.cosmos.items import (
    SEEN,
    Image,
    ItemCodec,
    RawItem,
    Version,
    seen,
)
from cloudkit.azure.cosmos.requests import Kind, Request
from cloudkit.azure.cosmos.schema import Schema
from cloudkit.common import KeyValueCapabilities


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

    def first(self) -> Request | None:
        """A request that asks for all there is to ask; None when what stands there must be known.

        Raises:
            ValidationError: The key does not fit the table.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        write, etag = self.write, None
        self.schema.id_of(write.key)
        if write.condition is not None:
            return None
        if write.if_version is not None:
            version = Version.parse(write.if_version)
            if version is None or version.expired:
                return None
            etag = version.etag
        match write:
            case Put():
                plain: Kind = "create" if write.if_absent else "upsert"
                return self._put(write, plain if etag is None else "replace", etag)
            case Delete() if write.missing_ok or etag is not None:
                return self._request("delete", etag=etag)
            case Update():
                return self._patch(write, etag)
            case _:
                return None

    def anew(self) -> Request:
        """The request of a put that asks for nothing."""
        if not isinstance(self.write, Put):
            raise TypeError(f"{type(self.write).__name__} depends on what stands at the key")
        return self._put(self.write, "upsert", None)

    def under(self, image: Image) -> Request:
        """A request that only asks that the item is still as it was.

        Args:
            image: What stands at the key.

        Raises:
            CloudError: What stands at the key does not allow the write.
        """
        judge(self.write, image.item)
        etag = None if image.raw is None else str(image.raw["_etag"])
        match self.write:
            case Put():
                return self._put(self.write, "create" if etag is None else "replace", etag)
            case Update() if image.item is not None:
                return self._replace(self.write, image.item, etag)
            case Check() if image.raw is not None:
                patch = Patch()
                patch.set((SEEN,), seen(image.raw))
                return self._request("patch", patch=patch, etag=etag)
            case Delete() if image.raw is not None:
                return self._request("delete", etag=etag)
            case _:
                return self._request("nothing")

    def version_in(self, request: Request, etag: str) -> str | None:
        """The version of the item after a request.

        Args:
            request: What was sent.
            etag: What came back.
        """
        if request.body is None:
            return None
        return str(Version(etag, self.codec.expires_at(request.body)))

    def item_in(self, request: Request, answer: RawItem) -> Item:
        """The item after a request, from what came back of it."""
        return self.codec.decode({**(request.body or {}), **answer})

    def _put(self, write: Put, kind: Kind, etag: str | None) -> Request:
        body = self.codec.encode(write.key, write.document, moment_after(write.expires_in))
        return self._request(kind, body=body, etag=etag)

    def _patch(self, write: Update, etag: str | None) -> Request | None:
        try:
            patch = patch_for(write, self.codec)
        except IndirectError:
            return None
        return self._request("patch", patch=patch, etag=etag)

    def _replace(self, write: Update, item: Item, etag: str | None) -> Request:
        after = apply_update(
            item.document, set=write.set, increment=write.increment, remove=write.remove
        )
        check_document(after, self.capabilities)
        expires_at = item.expires_at
        if not isinstance(write.expires_in, Keep):
            expires_at = moment_after(write.expires_in)
        body = self.codec.encode(write.key, after, expires_at)
        return self._request("replace", body=body, etag=etag)

    def _request(self, kind: Kind, **facts: Any) -> Request:
        key = self.write.key
        return Request(kind, self.schema.id_of(key), key.partition, **facts)
