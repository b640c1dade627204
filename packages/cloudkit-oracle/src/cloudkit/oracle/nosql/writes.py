"""Writes: the request that carries one out, and what to do when the service refuses it.

What the service can judge by itself (there is no row) it is asked to. For the rest the item is read and
judged here, and written on the condition that the row is still the one that was judged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from cloudkit.api.kv import Delete, Item, Put, Update, apply_update
from cloudkit.api.kv.judging import judge, moment_after
from cloudkit.api.kv.models import Keep
from cloudkit.api.kv.operations import check_document
from cloudkit.common import KeyValueCapabilities
from cloudkit.oracle.nosql.items import Image, ItemCodec, Row, days_until
from cloudkit.oracle.nosql.schema import Schema
from cloudkit.oracle.nosql.session import Session

IF_ABSENT = "IF_ABSENT"


@frozen
class Request:
    """A write as the service takes it.

    Attributes:
        row: What is written; None for a deletion.
        item: What is there afterwards.
        option: ``IF_ABSENT``, or None.
        etag: That the row must have.
    """

    row: Row | None = None
    item: Item | None = None
    option: str | None = None
    etag: str | None = None

    def send(self, session: Session, schema: Schema, key: dict[str, str]) -> bool:
        """Have it carried out; tells whether the option let it.

        Raises:
            ServiceError: The service refused.
        """
        if self.row is None:
            session.delete(schema.table, key, self.etag)
            return True
        days = days_until(None if self.item is None else self.item.expires_at)
        answer = session.put(schema.table, self.row, days=days, option=self.option, etag=self.etag)
        return answer.data.version is not None


@frozen
class Writer:
    """Makes the requests of one write.

    Attributes:
        schema: Of the table.
        write: What is to be done.
        capabilities: Limits of documents.
    """

    schema: Schema
    write: Put | Delete | Update
    capabilities: KeyValueCapabilities

    @property
    def codec(self) -> ItemCodec:
        """For the items of the table."""
        return ItemCodec(self.schema)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of the item's key.

        Raises:
            ValidationError: The key does not fit the table.
        """
        return self.schema.columns(self.write.key)

    def first(self) -> Request | None:
        """A request for the service to judge; None when what stands at the key must be known.

        Raises:
            ValidationError: The key does not fit the table.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        write = self.write
        if write.if_version is not None or write.condition is not None:
            return None
        if isinstance(write, Put) and self._column_is_the_key:
            return self._put(write, IF_ABSENT if write.if_absent else None, None)
        if isinstance(write, Delete) and write.missing_ok and self._column_is_the_key:
            return Request()
        return None

    def under(self, image: Image) -> Request | None:
        """A request that only asks that the row is still as it was; None when there is no need.

        Args:
            image: What stands at the key.

        Raises:
            CloudError: What stands at the key does not allow the write.
        """
        judge(self.write, image.item)
        option = IF_ABSENT if image.etag is None else None
        match self.write:
            case Put() as put:
                return self._put(put, option, image.etag)
            case Update() as update if image.item is not None:
                return self._update(update, image.item, image.etag)
        return None if image.etag is None else Request(etag=image.etag)

    @property
    def _column_is_the_key(self) -> bool:
        """Else the row is looked at first: it might be that of a key with the same digest."""
        return not self.schema.hides(self.columns)

    def _put(self, write: Put, option: str | None, etag: str | None) -> Request:
        expires_at = moment_after(write.expires_in)
        return self._request(dict(write.document), expires_at, option=option, etag=etag)

    def _update(self, write: Update, item: Item, etag: str | None) -> Request:
        after = apply_update(
            item.document, set=write.set, increment=write.increment, remove=write.remove
        )
        check_document(after, self.capabilities)
        expires_at = item.expires_at
        if not isinstance(write.expires_in, Keep):
            expires_at = moment_after(write.expires_in)
        return self._request(after, expires_at, etag=etag)

    def _request(
        self, document: dict[str, Any], expires_at: datetime | None, **asked: str | None
    ) -> Request:
        key = self.write.key
        row, version = self.codec.encode(key, document, expires_at)
        item = Item(key=key, document=document, version=version, expires_at=expires_at)
        return Request(row, item, **asked)
