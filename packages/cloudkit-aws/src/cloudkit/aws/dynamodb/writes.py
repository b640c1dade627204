"""Writes: the request that carries one out, and what to do when the service refuses it.

A first request asks the service for all that the write asks for. When a condition fails, the service
says what stands at the key. That is judged as the contract says; if it ought to have been accepted
(because a condition is one that the service evaluates otherwise, or because somebody wrote in between),
the next request asks only that the item is still the one that was judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from attrs import frozen
from cloudkit.api.kv import (
    Check,
    Delete,
    Item,
    Key,
    Put,
    TransactWrite,
    Update,
    Value,
    apply_update,
)
from cloudkit.api.kv.judging import judge, moment_after, needs_item
from cloudkit.api.kv.models import Keep
from cloudkit.api.kv.operations import check_document
from cloudkit.aws.dynamodb.changes import (
    Changes,
    IndirectError,
    add_direct,
    add_result,
    replaced,
)
from cloudkit.aws.dynamodb.conditions import sure
from cloudkit.aws.dynamodb.expressions import (
    Placeholders,
    Term,
    TooComplexError,
    all_of,
    any_of,
)
from cloudkit.aws.dynamodb.items import (
    Image,
    ItemCodec,
    alive,
    check_item,
    new_version,
    over,
)
from cloudkit.aws.dynamodb.keys import VERSION, Schema
from cloudkit.common import (
    KeyValueCapabilities,
    utc_now,
)

Kind = Literal["Put", "Delete", "Update", "ConditionCheck"]


@frozen
class Request:
    """A write as the service takes it, by itself or in a transaction.

    Attributes:
        kind: What it is.
        arguments: Those of the call.
        version: The item's version afterwards; None when there is none, or it stays.
    """

    kind: Kind
    arguments: Mapping[str, Any]
    version: str | None


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

    def first(self) -> Request | None:
        """A request that asks for all there is to ask; None when what stands there must be known.

        Raises:
            ValidationError: The key does not fit the table.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        term = self._asked(utc_now())
        try:
            return None if term is False else self._request(term, None)
        except (TooComplexError, IndirectError):
            return None

    def under(self, image: Image) -> Request:
        """A request that only asks that the item is still as it was.

        Args:
            image: What stands at the key.

        Raises:
            CloudError: What stands at the key does not allow the write.
        """
        judge(self.write, image.item)
        term = self.codec.same_as(image)
        try:
            return self._request(term, image.item)
        except TooComplexError:
            return self._replace(term, image)

    def _asked(self, now: datetime) -> Term:
        write, codec = self.write, self.codec
        terms: list[Term] = []
        if isinstance(write, Put) and write.if_absent:
            terms.append(any_of(codec.absent(), over(now)))
        if isinstance(write, Check) and write.exists is False:
            terms.append(any_of(codec.absent(), over(now)))
        if needs_item(write):
            terms.append(codec.present())
        if write.if_version is not None:
            terms.append(codec.has_version(write.if_version))
        if needs_item(write) or write.if_version is not None:
            terms.append(alive(now))
        if write.condition is not None:
            holds = all_of(alive(now), sure(write.condition, self.schema))
            if write.condition.matches({}):
                holds = any_of(holds, over(now))
            terms.append(holds)
        return all_of(*terms)

    def _request(self, term: Term, item: Item | None) -> Request:
        match self.write:
            case Put():
                return self._put(self.write, term)
            case Update():
                return self._update(self.write, term, item)
            case Delete():
                return self._keyed("Delete", term)
            case Check():
                return self._keyed("ConditionCheck", term)

    def _put(self, write: Put, term: Term) -> Request:
        item, version = self.codec.encode(write.key, write.document, moment_after(write.expires_in))
        return Request("Put", {"Item": item, **self._common(term, Placeholders())}, version)

    def _keyed(self, kind: Kind, term: Term) -> Request:
        key = self.schema.place(self.key)
        return Request(kind, {"Key": key, **self._common(term, Placeholders())}, None)

    def _update(self, write: Update, term: Term, item: Item | None) -> Request:
        key, version = self.schema.place(self.key), new_version()
        changes = Changes(Placeholders())
        changes.label(version, write, moment_after(write.expires_in))
        if item is None:
            add_direct(changes, write, self.schema)
        else:
            self._add_result(changes, write, item)
        condition = all_of(term, *changes.conditions)
        # The condition first: it adds its names and values to those of the changes.
        common = self._common(condition, changes.placeholders)
        return Request(
            "Update", {"Key": key, "UpdateExpression": changes.text(), **common}, version
        )

    def _replace(self, term: Term, image: Image) -> Request:
        """An update as a put of the whole item: its expression would be too long."""
        write, version = self.write, new_version()
        assert isinstance(write, Update)  # noqa: S101  (no other write has an expression of its own)
        assert image.item is not None  # noqa: S101  (it was judged)
        assert image.raw is not None  # noqa: S101
        after = self._updated(write, image.item)
        expires_at = moment_after(write.expires_in)
        item = replaced(image.raw, write, self.codec, after, expires_at)
        item[VERSION] = {"S": version}
        check_item(item)
        return Request("Put", {"Item": item, **self._common(term, Placeholders())}, version)

    def _updated(self, write: Update, item: Item) -> dict[str, Value]:
        after = apply_update(
            item.document, set=write.set, increment=write.increment, remove=write.remove
        )
        check_document(after, self.capabilities)
        return after

    def _add_result(self, changes: Changes, write: Update, item: Item) -> None:
        before, after = item.document, self._updated(write, item)
        expires_at = item.expires_at
        if not isinstance(write.expires_in, Keep):
            expires_at = moment_after(write.expires_in)
        self.codec.encode(write.key, after, expires_at)  # which checks what is to be
        add_result(changes, write, self.codec, before, after)

    def _common(self, term: Term, placeholders: Placeholders) -> dict[str, Any]:
        condition = placeholders.condition(term)
        arguments: dict[str, Any] = {"TableName": self.schema.info.name}
        if condition is not None:
            arguments["ConditionExpression"] = condition
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {**arguments, **placeholders.arguments()}
