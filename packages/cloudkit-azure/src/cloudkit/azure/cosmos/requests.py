"""Requests that write, as the SDK takes them: one by one, or in a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from attrs import frozen
from cloudkit.azure.cosmos.answers import is_missing_item
from cloudkit.azure.cosmos.changes import Patch
from cloudkit.azure.cosmos.client import CosmosAccount
from cloudkit.azure.cosmos.items import RawItem

Kind = Literal["upsert", "create", "replace", "patch", "delete", "nothing"]


@frozen
class Request:
    """A write of one item.

    Attributes:
        kind: What the service is asked for; ``nothing`` where nothing is to be done.
        id: Of the item.
        partition: Its partition key.
        body: All of it.
        patch: What changes.
        etag: What it must have.
    """

    kind: Kind
    id: str
    partition: str
    body: RawItem | None = None
    patch: Patch | None = None
    etag: str | None = None

    def send(self, account: CosmosAccount, table: str) -> RawItem | None:
        """Carry it out by itself.

        Returns:
            The item as it is now, or no more of it than its ETag; None where there is none.

        Raises:
            CosmosHttpResponseError: The service refused.
        """
        container: Any = account.container(table)
        options = _when(self.etag)
        if self.kind == "upsert":
            return _etag_after(container.upsert_item, self.body)
        if self.kind == "create":
            return _etag_after(container.create_item, self.body)
        if self.kind == "replace":
            return _etag_after(container.replace_item, self.id, self.body, **options)
        if self.kind == "patch" and self.patch is not None:
            raw: RawItem = container.patch_item(
                self.id,
                self.partition,
                self.patch.operations,
                filter_predicate=self.patch.predicate,
                **options,
            )
            return raw
        if self.kind == "delete":
            self._delete(container, options)
        return None

    def step(self) -> tuple[Any, ...]:
        """The same as an operation of a batch."""
        options = {} if self.etag is None else {"if_match_etag": self.etag}
        if self.kind in {"upsert", "create"}:
            return self.kind, (self.body,)
        if self.kind == "replace":
            return self.kind, (self.id, self.body), options
        if self.kind == "patch" and self.patch is not None:
            return self.kind, (self.id, self.patch.operations), options
        return self.kind, (self.id,), options

    def _delete(self, container: Any, options: dict[str, Any]) -> None:
        try:
            container.delete_item(self.id, self.partition, **options)
        except Exception as error:
            if self.etag is not None or not is_missing_item(error):
                raise


def _when(etag: str | None) -> dict[str, Any]:
    from azure.core import MatchConditions

    if etag is None:
        return {}
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _etag_after(write: Callable[..., Any], *args: Any, **options: Any) -> RawItem:
    # Not from get_response_headers() of what comes back, which copies the headers: the SDK notes its
    # retries in those of the last answer, whichever thread's it is, and a copy may fail meanwhile.
    etags: list[str] = []
    write(
        *args,
        no_response=True,
        response_hook=lambda headers, _: etags.append(headers["etag"]),
        **options,
    )
    return {"_etag": etags[-1]}
