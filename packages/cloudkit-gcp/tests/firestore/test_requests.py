"""What is sent, and what is done about answers that the emulator does not give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from cloudkit.api.kv import Check, Delete, Item, Key, Put, TableInfo, Update, attr
from cloudkit.api.kv.operations import BatchWriteItems, ScanItems, Transact
from cloudkit.common import (
    CloudError,
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    RateLimitedError,
    ServiceUnavailableError,
    ValidationError,
    utc_now,
)
from cloudkit.gcp.firestore import batches, carrier, pages, tables, transactions
from cloudkit.gcp.firestore.answers import WriteOutcome
from cloudkit.gcp.firestore.capabilities import FIRESTORE_CAPABILITIES
from cloudkit.gcp.firestore.items import ItemCodec, version_text
from cloudkit.gcp.firestore.keys import Schema
from cloudkit.gcp.firestore.writes import Writer
from google.api_core import exceptions

from .stored import document

SCHEMA = Schema(TableInfo(name="t"))
STAMP = document("t/a", {}).update_time
STALE = exceptions.FailedPrecondition("the stored version does not match")


class Service:
    """A client whose answers are given; it keeps what it was asked."""

    def __init__(self, *documents: Any) -> None:
        self.documents = {raw.name: raw for raw in documents}
        self.commits: list[Sequence[Any]] = []
        self.queries: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.refusals: list[Exception] = []
        self.given_up: list[bytes] = []
        self.unread = 0

    def name(self, collection: str, document_id: str) -> str:
        return f"projects/p/databases/d/documents/{collection}/{document_id}"

    def read(self, names: Sequence[str]) -> dict[str, Any]:
        return {name: self.documents[name] for name in names if name in self.documents}

    def begin_and_read(self, names: Sequence[str]) -> tuple[bytes, dict[str, Any]]:
        return b"tx", self.read(names)

    def query(self, collection: str, **query: Any) -> Iterator[Any]:
        self.queries.append(query)
        self._refuse()
        self.unread = len(self.documents)
        for raw in self.documents.values():
            self.unread -= 1
            yield raw

    def commit(self, writes: Sequence[Any], transaction: bytes = b"") -> list[Any]:
        self.commits.append(writes)
        self._refuse()
        return [STAMP] * len(writes)

    def write_each(self, writes: Sequence[Any]) -> list[WriteOutcome]:
        self.batches.append(len(writes))
        self._refuse()
        return [WriteOutcome(STAMP)] * len(writes)

    def roll_back(self, transaction: bytes) -> None:
        self.given_up.append(transaction)
        raise exceptions.ServiceUnavailable("gone")

    async def run(self, service: str, func: Callable[..., Any], *args: Any) -> Any:
        """In place of GcpClients."""
        return func(self, *args)

    def _refuse(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)


def writer(write: Any) -> Writer:
    return Writer(SCHEMA, write, FIRESTORE_CAPABILITIES)


def stored(key: str, **values: Any) -> Any:
    fields = ItemCodec(SCHEMA).encode(Key(key), values, None)
    return document(f"t/{key}", fields)


def asked(service: Service) -> Any:
    """The precondition of the last write."""
    return service.commits[-1][0].get("current_document")


@pytest.mark.anyio
class TestWrites:
    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    async def carry_out(self, service: Service, write: Any) -> Any:
        clients: Any = service
        return await carrier.carry_out(clients, writer(write))

    async def test_a_plain_write_asks_nothing_and_reads_nothing(self) -> None:
        service = Service()
        written = await self.carry_out(service, Put(key="a", document={"n": 1}))
        assert written.version == version_text(STAMP, None)
        assert asked(service) is None
        await self.carry_out(service, Delete(key="a"))
        assert service.commits[-1] == [{"delete": service.name("t", "a")}]

    async def test_what_the_service_can_judge_it_is_asked(self) -> None:
        service = Service()
        await self.carry_out(service, Put(key="a", document={}, if_absent=True))
        assert asked(service) == {"exists": False}
        version = version_text(STAMP, utc_now() + timedelta(hours=1))
        for write in (
            Put(key="a", document={}, if_version=version),
            Delete(key="a", if_version=version),
        ):
            await self.carry_out(service, write)
            assert asked(service) == {"update_time": {"seconds": 1, "nanos": 2000}}

    async def test_a_version_whose_time_is_over_is_not_sent(self) -> None:
        service = Service()
        version = version_text(STAMP, utc_now())
        for write in (
            Put(key="a", document={}, if_version=version),
            Delete(key="a", if_version=version),
        ):
            with pytest.raises(PreconditionFailedError):
                await self.carry_out(service, write)
        assert service.commits == []

    async def test_an_update_writes_what_it_names_and_nothing_else(self) -> None:
        service = Service(stored("a", n=1, other="x" * 100, deep={"a b": 1}))
        write = Update(key="a", increment={"n": 1}, set={"deep.x": 2}, remove=["deep.a b", "none"])
        written = await self.carry_out(service, write)
        assert written.item == Item(
            key=Key("a"),
            document={"n": 2, "other": "x" * 100, "deep": {"x": 2}},
            version=version_text(STAMP, None),
        )
        (message,) = service.commits[0]
        own = {"_cloudkit_revision", "_cloudkit_expires"}
        assert set(message["update_mask"]["field_paths"]) == {"n", "deep.x", "deep.`a b`", *own}
        assert set(message["update"]["fields"]) == {"n", "deep", "_cloudkit_revision"}

    async def test_a_refused_write_is_judged_and_sent_again(self) -> None:
        service = Service(stored("a", n=1))
        service.refusals = [STALE, STALE]
        await self.carry_out(service, Update(key="a", increment={"n": 1}))
        assert len(service.commits) == 3
        service.refusals = [STALE]
        with pytest.raises(PreconditionFailedError) as caught:
            await self.carry_out(service, Put(key="a", document={}, if_version="1.000000001"))
        assert caught.value.code == "FAILED_PRECONDITION"
        assert caught.value.__cause__ is STALE

    async def test_others_are_let_win_in_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(carrier, "ATTEMPTS", 3)
        monkeypatch.setattr(transactions, "ATTEMPTS", 3)
        service: Any = Service(stored("a", n=1))
        update = Update(key="a", increment={"n": 1})
        transaction = transactions.Transaction(
            Transact(table="t", writes=[update]), [writer(update)]
        )
        for call in (
            lambda: self.carry_out(service, update),
            lambda: transaction.carry_out(service),
        ):
            service.commits.clear()
            service.refusals = [STALE] * 3
            with pytest.raises(ConflictError) as caught:
                await call()
            assert caught.value.retryable
            assert caught.value.unprocessed
            assert len(service.commits) == 3

    async def test_a_transaction_without_checks_locks_nothing(self) -> None:
        service: Any = Service(stored("a", n=1))
        writes: list[Any] = [
            Update(key="a", increment={"n": 1}),
            Put(key="b", document={}, if_absent=True),
        ]
        operation = Transact(table="t", writes=writes)
        transaction = transactions.Transaction(operation, list(map(writer, writes)))
        assert await transaction.carry_out(service) == [version_text(STAMP, None)] * 2
        (sent,) = service.commits
        assert [write["current_document"] for write in sent] == [
            {"update_time": {"seconds": 1, "nanos": 2000}},
            {"exists": False},
        ]

    async def test_a_transaction_that_fails_is_given_up_whatever_comes_of_it(self) -> None:
        service: Any = Service(stored("a", n=1))
        writes: list[Any] = [Put(key="b", document={}), Check(key="a", condition=attr("n") == 2)]
        operation = Transact(table="t", writes=writes)
        transaction = transactions.Transaction(operation, list(map(writer, writes)))
        with pytest.raises(
            PreconditionFailedError, match="write 1 of the transaction, Check of t/a"
        ):
            await transaction.carry_out(service)
        assert service.given_up == [b"tx"]
        assert service.commits == []


def write_batch(service: Any, writes: Sequence[Any]) -> list[CloudError | None]:
    operation = BatchWriteItems(table="t", writes=tuple(writes))
    return [result.error for result in batches.write(service, SCHEMA, operation)]


def test_a_batch_is_split_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "SENT_AT_ONCE", 1000)
    service = Service()
    writes = [Put(key=f"{n}", document={"text": "x" * 300}) for n in range(7)]
    assert (
        write_batch(service, [*writes, Put(key="large", document={"text": "x" * 2000})])
        == [None] * 8
    )
    assert service.batches == [2, 2, 2, 1, 1]


def test_what_fails_behind_the_first_part_fails_item_by_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "SENT_AT_ONCE", 1)
    service = Service()
    down = exceptions.ServiceUnavailable("down")
    service.refusals = [down]
    with pytest.raises(exceptions.ServiceUnavailable):
        write_batch(service, [Delete(key="a"), Delete(key="b")])

    def second(writes: Sequence[Any]) -> list[WriteOutcome]:
        service.write_each = third  # type: ignore[method-assign]
        return [WriteOutcome(STAMP)] * len(writes)

    def third(writes: Sequence[Any]) -> list[WriteOutcome]:
        raise down

    service.write_each = second  # type: ignore[method-assign]
    first, other = write_batch(service, [Delete(key="a"), Delete(key="b")])
    assert first is None
    assert isinstance(other, ServiceUnavailableError)


def test_a_write_that_the_service_refuses_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    outcomes = [WriteOutcome(STAMP), WriteOutcome(None, "RESOURCE_EXHAUSTED", "too much")]
    monkeypatch.setattr(service, "write_each", lambda writes: outcomes)
    done, failed = write_batch(service, [Delete(key="a"), Delete(key="b")])
    assert done is None
    assert isinstance(failed, RateLimitedError)
    assert failed.retryable


def test_what_the_service_does_not_take_is_found_and_fails_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service()

    def write_each(writes: Sequence[Any]) -> list[WriteOutcome]:
        if {"delete": service.name("t", "bad")} in writes:
            raise exceptions.InvalidArgument("too many index entries")
        return [WriteOutcome(STAMP)] * len(writes)

    monkeypatch.setattr(service, "write_each", write_each)
    errors = write_batch(service, [Delete(key=key) for key in ("a", "b", "bad", "c", "d")])
    assert [type(error) for error in errors if error] == [ValidationError]
    assert errors.index(next(filter(None, errors))) == 2
    assert "too many index entries" in str(errors[2])


def scan(service: Any, **options: Any) -> Any:
    return pages.scan(service, SCHEMA, ScanItems(table="t", **options), 100)


def test_a_scan_without_the_index_of_a_field_looks_at_all() -> None:
    service = Service(stored("a", n=1), stored("b", n=2))
    service.refusals = [exceptions.FailedPrecondition("The query requires an index.")]
    page = scan(service, filter=attr("n") == 2)
    assert [item.key.partition for item in page.items] == ["b"]
    assert ["where" in query for query in service.queries] == [True, False]
    service.refusals = [exceptions.FailedPrecondition("another reason")]
    with pytest.raises(exceptions.FailedPrecondition):
        scan(service, filter=attr("n") > 1)


def test_a_page_ends_where_it_becomes_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 1000)
    service = Service(*(stored(f"{n}", text="x" * 400) for n in range(6)))
    page = scan(service)
    assert [item.key.partition for item in page.items] == ["0", "1", "2"]
    assert page.next_token is not None
    assert service.unread == 3


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "Document (projects/p/databases/d/documents/_cloudkit_tables/t) not found.",
            NotFoundError,
        ),
        ("The database d does not exist for project p Please visit ...", exceptions.NotFound),
    ],
)
def test_a_database_that_is_missing_is_not_taken_for_a_table(
    message: str, kind: type[Exception]
) -> None:
    class Missing(Service):
        def get(self, name: str) -> Any:
            raise exceptions.NotFound(message)

    client: Any = Missing()
    with pytest.raises(kind):
        tables._describe(client, "t")
