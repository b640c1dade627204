"""KeyValueStore on Firestore, as Google's emulator has it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

import anyio.to_thread
import pytest
from cloudkit.api.kv import Check, Put, Update, attr
from cloudkit.common import (
    ConflictError,
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
    SerializationError,
    TokenCredentials,
)
from cloudkit.gcp import GcpCloud
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, closed_port, flaky_endpoint
from cloudkit.testing.kv import KeyValueStoreSuite
from cloudkit.testing.kv.samples import NEW_YEAR
from emulators.firestore import DEFECTS
from emulators.process import HOST, Server
from google.cloud.firestore import GeoPoint

PROJECT = "tests"
SECRET = "the-token-of-the-tests"


def make_gcp(url: str, **options: Any) -> GcpCloud:
    """A client of the emulator at a URL."""
    given: dict[str, Any] = {
        "project": PROJECT,
        "firestore_endpoint": url,
        "auth": TokenCredentials(token=SECRET),
        **options,
    }
    return GcpCloud(**given)


class TestFirestore(KeyValueStoreSuite):
    provider = "gcp"
    known_defects: ClassVar[Mapping[str, str]] = DEFECTS
    secrets: ClassVar[Sequence[str]] = (SECRET,)
    # gRPC has no request ids.
    native_facts: ClassVar[Collection[str]] = ("cause", "code", "status")
    # An emulator on a busy machine may take a second for what is quick elsewhere.
    short_timeout = 3.0

    @pytest.fixture
    def make_cloud(self, firestore_server: Server) -> MakeCloud:
        return lambda **options: make_gcp(firestore_server.url, **options)

    @pytest.fixture
    async def bad_credentials_cloud(
        self, firestore_front: str, trusted_front: None
    ) -> AsyncIterator[GcpCloud]:
        async with make_gcp(firestore_front, retry=NoRetry()) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[GcpCloud]:
        with closed_port() as port:
            async with make_gcp(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, firestore_server: Server) -> AsyncIterator[GcpCloud]:
        port = urlsplit(firestore_server.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_gcp(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud


@pytest.mark.anyio
class TestOtherPrograms:
    """Documents that were written without CloudKit, and what only Firestore does."""

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    async def cloud(self, firestore_server: Server) -> AsyncIterator[GcpCloud]:
        async with make_gcp(firestore_server.url, retry=NoRetry()) as cloud:
            yield cloud

    @pytest.fixture
    async def table(self, cloud: GcpCloud) -> AsyncIterator[str]:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name)
        yield name
        await cloud.kv.delete_table(name)

    async def native(self, cloud: GcpCloud, table: str, key: str) -> Any:
        """The SDK's own reference to a document."""
        await cloud.native.prepare()
        client = await anyio.to_thread.run_sync(lambda: cloud.native.firestore)
        return client.collection(table).document(key)

    async def test_their_documents_are_read_and_what_is_not_changed_is_kept(
        self, cloud: GcpCloud, table: str
    ) -> None:
        reference = await self.native(cloud, table, "a b")
        place = GeoPoint(1.5, 2.0)
        document = {"where": place, "of": reference, "deep": {"where": place, "n": 1}}
        await anyio.to_thread.run_sync(reference.set, document)
        item = await cloud.kv.get(table, "a b")
        assert item is not None
        assert item["where"] == {"latitude": 1.5, "longitude": 2.0}
        assert item["of"].endswith(f"/documents/{table}/a b")
        await cloud.kv.update(table, "a b", increment={"deep.n": 1}, if_version=item.version)
        stored = (await anyio.to_thread.run_sync(reference.get)).to_dict()
        assert stored["where"] == stored["deep"]["where"] == place
        assert stored["of"] == reference
        assert stored["deep"]["n"] == 2
        with pytest.raises(PreconditionFailedError):
            await cloud.kv.put(table, "a b", {}, if_version=item.version)

    async def test_other_programs_find_plain_fields(self, cloud: GcpCloud, table: str) -> None:
        await cloud.kv.put(
            table, "a/b", {"n": 1, "list": ["x", NEW_YEAR], "price": Decimal("1.10")}
        )
        reference = await self.native(cloud, table, "a%2Fb")
        stored = (await anyio.to_thread.run_sync(reference.get)).to_dict()
        assert (stored["n"], stored["list"]) == (1, ["x", NEW_YEAR])
        assert stored["price"] == {"$decimal": "1.1"}

    async def test_a_document_that_is_no_item_of_a_sorted_table_is_an_error(
        self, cloud: GcpCloud
    ) -> None:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name, sort_key="at")
        reference = await self.native(cloud, name, "alone")
        await anyio.to_thread.run_sync(reference.set, {"n": 1})
        with pytest.raises(SerializationError, match="alone"):
            await cloud.kv.scan(name).to_list()
        await cloud.kv.delete_table(name)

    async def test_a_table_that_others_made_anew_or_deleted_is_looked_at_again(
        self, cloud: GcpCloud, firestore_server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name)
        await cloud.kv.put(name, "a", {"n": 1})
        async with make_gcp(firestore_server.url) as other:
            await other.kv.delete_table(name)
            await other.kv.create_table(name, sort_key="at")
            await cloud.kv.put(name, ("a", "b"), {"n": 2})
            monkeypatch.setattr(cloud.kv._tables, "_seconds", -1.0)
            await cloud.kv.describe_table(name)
            await other.kv.delete_table(name)
        with pytest.raises(NotFoundError):
            await cloud.kv.put(name, ("a", "b"), {"n": 3})

    async def test_numbers_are_found_by_a_scan_however_they_are_stored(
        self, cloud: GcpCloud, table: str
    ) -> None:
        values = {"int": 1, "float": 1.0, "decimal": Decimal("1.00"), "flag": True, "text": "1"}
        for key, value in values.items():
            await cloud.kv.put(table, key, {"v": value, "w": {"a.b": value}})
        for one in (1, 1.0, Decimal(1)):
            for condition in (
                attr("v") == one,
                attr(("w", "a.b")).is_in(one, 7),
                (attr("v") == one) & (attr(("w", "a.b")) == one) & (attr("v") > 0),
            ):
                found = [
                    item.key.partition async for item in cloud.kv.scan(table, filter=condition)
                ]
                assert sorted(found) == ["decimal", "float", "int"]

    async def test_writes_too_large_for_one_request_are_refused_or_split(
        self, cloud: GcpCloud, table: str
    ) -> None:
        large = "x" * 1_000_000
        writes = [Put(key=f"{n}", document={"n": n, "text": large}) for n in range(11)]
        with pytest.raises(PayloadTooLargeError, match="together"):
            await cloud.kv.transact(table, writes)
        for result in await cloud.kv.batch_write(table, writes):
            assert result.value
        pages = [page async for page in cloud.kv.scan(table).pages()]
        assert len(pages) == 2
        assert {item["n"] for page in pages for item in page.items} == set(range(11))

    async def test_a_transaction_that_meets_another_is_a_conflict(
        self, cloud: GcpCloud, table: str
    ) -> None:
        await cloud.kv.put(table, "a", {"n": 1})
        reference = await self.native(cloud, table, "a")

        def read_for(transaction: Any) -> None:
            transaction._begin()
            reference.get(transaction=transaction)

        transaction = cloud.native.firestore.transaction()
        await anyio.to_thread.run_sync(read_for, transaction)
        with pytest.raises(ConflictError) as caught:
            await cloud.kv.transact(
                table, [Check(key="b", exists=False), Update(key="a", increment={"n": 1})]
            )
        assert caught.value.retryable
        assert caught.value.unprocessed
        await anyio.to_thread.run_sync(transaction._rollback)
        await cloud.kv.transact(
            table, [Check(key="b", exists=False), Update(key="a", increment={"n": 1})]
        )
        item = await cloud.kv.get(table, "a")
        assert item is not None
        assert item["n"] == 2

    async def test_a_failed_check_holds_nobody_up(self, cloud: GcpCloud, table: str) -> None:
        await cloud.kv.put(table, "a", {"n": 1})
        for _ in range(3):
            with pytest.raises(PreconditionFailedError):
                await cloud.kv.transact(
                    table, [Check(key="a", condition=attr("n") == 7), Put(key="b", document={})]
                )
            # The emulator would refuse this after two seconds, were the locks still held.
            await cloud.kv.put(table, "a", {"n": 1})
