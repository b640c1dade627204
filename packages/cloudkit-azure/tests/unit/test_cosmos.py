"""Cosmos DB: keys as ids, values as JSON, conditions as SQL, updates as patches, versions, tokens."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from cloudkit.api.kv import Key, Put, TableInfo, Update, attr
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.azure.clients import ClientSettings
from cloudkit.azure.config import AzureConfig
from cloudkit.azure.cosmos import client as cosmos_client
from cloudkit.azure.cosmos.capabilities import COSMOS_CAPABILITIES
from cloudkit.azure.cosmos.changes import IndirectError, patch_for
from cloudkit.azure.cosmos.conditions import TooComplexError, possible
from cloudkit.azure.cosmos.items import (
    EXPIRES,
    ItemCodec,
    Version,
    etag_of,
    microseconds,
    seen,
)
from cloudkit.azure.cosmos.keys import (
    MAX_ID_BYTES,
    check_plain,
    from_id,
    from_ordered,
    ordered,
    to_id,
)
from cloudkit.azure.cosmos.requests import Request
from cloudkit.azure.cosmos.schema import Schema, definition_of
from cloudkit.azure.cosmos.writes import Writer
from cloudkit.azure.errors import from_answer
from cloudkit.common import (
    AccountKeyCredentials,
    CloudError,
    ConfigurationError,
    ConflictError,
    ConnectionStringCredentials,
    NotFoundError,
    PermissionDeniedError,
    SerializationError,
    ServiceUnavailableError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
SCHEMA = Schema(TableInfo(name="t", partition_key="pk", sort_key="sk"))
CODEC = ItemCodec(SCHEMA)


class TestKeys:
    @given(TEXTS)
    def test_every_key_has_an_id_that_the_service_takes(self, key: str) -> None:
        name = to_id(key)
        assert from_id(name) == key
        assert not set(name) & set("/\\?#\t\r\n\x00\x7f")
        assert not name.endswith(" ")
        assert name not in {".", ".."}

    @given(
        st.sampled_from(
            ["a~2Fb", "~2F", "~~2F", "~7E2F", "~2f", "~", "~2", "a/b", "~2F/", ".", ".."]
        )
    )
    def test_what_looks_escaped_stays_apart(self, key: str) -> None:
        assert from_id(to_id(key)) == key

    def test_names_that_need_nothing_stay(self) -> None:
        for key in ("plain", "2026-01-01T00:00:00Z", "a b", "é😀", "~", "a.b", "...", "%2F", "'\""):
            assert to_id(key) == key

    def test_long_ones_are_refused(self) -> None:
        assert to_id("x" * MAX_ID_BYTES)
        for key in ("x" * (MAX_ID_BYTES + 1), "é" * 512, "/" * 342):
            with pytest.raises(ValidationError, match="1,023"):
                to_id(key)

    @given(TEXTS, TEXTS)
    def test_sort_keys_are_in_order_by_either_encoding(self, left: str, right: str) -> None:
        one, other = ordered(left), ordered(right)
        assert from_ordered(one) == left
        before = left.encode() < right.encode()
        assert (one.encode() < other.encode()) == before
        assert (one.encode("utf-16-be") < other.encode("utf-16-be")) == before

    @given(TEXTS, TEXTS)
    def test_prefixes_stay_prefixes(self, text: str, prefix: str) -> None:
        assert ordered(prefix + text).startswith(ordered(prefix))
        assert ordered(text).startswith(ordered(prefix)) == text.startswith(prefix)

    @pytest.mark.parametrize("text", ["a/b", "a\\b", "?", "#", "a ", ".", "..", "\t", "x" * 1024])
    def test_ids_that_are_keys_themselves_are_not_escaped(self, text: str) -> None:
        with pytest.raises(ValidationError):
            check_plain(text)
        assert check_plain("a~2F") == "a~2F"


class TestSchemas:
    @pytest.mark.parametrize("sort", [None, "sk", "at_2"])
    def test_a_definition_says_which_table_it_is(self, sort: str | None) -> None:
        info = TableInfo(name="t", partition_key="owner", sort_key=sort)
        properties = {
            "id": "t",
            "partitionKey": {"paths": ["/owner"]},
            "indexingPolicy": definition_of(info),
            "defaultTtl": -1,
        }
        assert Schema.of(properties) == Schema(info)

    @pytest.mark.parametrize(
        ("paths", "partition", "sort"),
        [(["/tenant"], "tenant", "id"), (["/id"], "id", None), (['/"a b"'], "a b", "id")],
    )
    def test_other_programs_containers(
        self, paths: list[str], partition: str, sort: str | None
    ) -> None:
        schema = Schema.of({"id": "c", "partitionKey": {"paths": paths}})
        assert (schema.partition, schema.sort, schema.default_ttl) == (partition, sort, None)
        schema.check_usable()
        with pytest.raises(UnsupportedOperationError):
            schema.check_lives()

    @pytest.mark.parametrize("paths", [["/a", "/b"], ["/a/b"]])
    def test_containers_that_no_key_fits(self, paths: list[str]) -> None:
        with pytest.raises(ValidationError):
            Schema.of({"id": "c", "partitionKey": {"paths": paths}}).check_usable()

    @pytest.mark.parametrize("name", ["id", "ttl", "pk", "sk", "_ts", "_etag", "plain", "_id"])
    def test_attributes_named_like_properties_stand_elsewhere(self, name: str) -> None:
        body = CODEC.encode(Key("p", "s"), {name: ["own"]}, None)
        assert (body["id"], body["pk"], body["sk"]) == ("s", "p", "s")
        raw = {**body, "_etag": '"e"', "_ts": 1, "_rid": "r", "_self": "s", "_attachments": "a"}
        assert CODEC.decode(raw).document == {name: ["own"]}

    def test_keys_that_are_no_texts_are_told(self) -> None:
        with pytest.raises(SerializationError):
            SCHEMA.key_of({"id": "a", "pk": 5})
        assert SCHEMA.key_of({"id": "a~2Fb", "pk": "p"}) == Key("p", "a/b")


class TestItems:
    def test_whole_numbers_stay_ints_however_the_service_writes_them(self) -> None:
        raw = {"id": "s", "pk": "p", "_etag": '"e"', "_ts": 1, "n": 5.0, "l": [{"x": 2.0**53}]}
        document = CODEC.decode(raw).document
        assert document == {"n": 5, "l": [{"x": 2**53}]}
        assert (type(document["n"]), type(document["l"][0]["x"])) == (int, int)

    def test_objects_that_only_look_tagged_stand_for_themselves(self) -> None:
        foreign: dict[str, Any] = {"a": {"$ref": "x"}, "b": [{"$int": 1}], "c": {"$map": 1}}
        raw = {"id": "s", "pk": "p", "_etag": '"e"', "_ts": 1, **foreign}
        assert CODEC.decode(raw).document == foreign
        body = CODEC.encode(Key("p", "s"), {**foreign, "d": {"$map": {"$x": None}}}, None)
        document = CODEC.decode({**body, "_etag": '"e"', "_ts": 1}).document
        assert document == {**foreign, "d": {"$map": {"$x": None}}}

    def test_versions_tell_when_they_end(self) -> None:
        end = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
        assert Version.parse(str(Version('"e-1"', end))) == Version('"e-1"', end)
        assert Version('"e"', utc_now() - timedelta(seconds=1)).expired
        assert not Version('"e"', utc_now() + timedelta(seconds=9)).expired
        assert not Version('"e"').expired
        for text in ("e", "", " ", '"e";x', '"a" "b"', 'W/"e"', '"e"\r\nx: y', '"é"'):
            assert Version.parse(text) is None

    def test_an_item_that_was_looked_at_keeps_its_version_while_it_is_the_same(self) -> None:
        raw: dict[str, Any] = {"id": "s", "pk": "p", "n": 1, "_etag": '"1"', "_ts": 1}
        looked = {**raw, "_etag": '"2"', "_ts": 2, "_cloudkit_seen": seen(raw)}
        again = {**looked, "_etag": '"3"', "_cloudkit_seen": seen(looked)}
        assert [etag_of(one) for one in (raw, looked, again)] == ['"1"'] * 3
        assert etag_of({**again, "n": 2}) == '"3"'
        assert etag_of({**again, "_cloudkit_seen": "nonsense"}) == '"3"'

    def test_the_service_deletes_after_the_end_not_before(self) -> None:
        for seconds in (0.2, 1, 1.5, 3600):
            end = utc_now() + timedelta(seconds=seconds)
            fields = CODEC.expiry(end)
            assert fields[EXPIRES] == microseconds(end)
            assert seconds + 1 <= fields["ttl"] <= seconds + 2
        assert CODEC.expiry(utc_now() + timedelta(seconds=2**31))["ttl"] == 2**31 - 1


class TestConditions:
    @pytest.mark.parametrize(
        ("condition", "text"),
        [
            (attr("a") == "x", '(IS_STRING(c["a"]) AND c["a"] = @p0)'),
            (attr("a.b").exists(), 'IS_DEFINED(c["a"]["b"])'),
            (attr("order") == True, '(IS_BOOL(c["order"]) AND c["order"] = @p0)'),  # noqa: E712
            (~(attr("a") == None), '(NOT IS_NULL(c["a"]))'),  # noqa: E711
            (attr("id") == None, 'IS_NULL(c["_cloudkit_own_id"])'),  # noqa: E711
            (attr(('a"b',)) == 1, "true"),
            (~(attr(("a", "$int")) == "1"), "true"),
            (attr(("a", "0")).exists(), "true"),
            (attr("a") != [1], "true"),
            (attr("a") == [1], 'IS_ARRAY(c["a"])'),
            ((attr(("x", "$y")) == 1) & attr("a").exists(), '(IS_DEFINED(c["a"]))'),
            ((attr(("x", "$y")) == 1) | attr("a").exists(), "true"),
        ],
    )
    def test_as_sql(self, condition: Any, text: str) -> None:
        assert possible(condition, SCHEMA)[0] == text

    def test_values_are_parameters(self) -> None:
        text, values = possible(attr("a").begins_with("'; DROP") & (attr("b") < 5), SCHEMA)
        assert "DROP" not in text
        assert values == {"@p0": "'; DROP", "@p1": 5.0}

    @pytest.mark.parametrize(
        ("value", "operator"),
        [(Decimal("0.1"), "<"), (2**53 + 1, ">"), (Decimal("0.5"), "<=")],
    )
    def test_numbers_between_doubles(self, value: Any, operator: str) -> None:
        # The double nearest to Decimal("0.1") is above it, that to 2**53 + 1 is below it.
        text, values = possible(attr("a") <= value, SCHEMA)
        expected = {"<": "<", ">": "<=", "<=": "<="}[operator]
        assert f'c["a"] {expected} @p0' in text
        assert values == {"@p0": float(value)}

    def test_what_is_too_long(self) -> None:
        among = attr("a").is_in(*([n] for n in range(1000)))
        assert possible(among, SCHEMA)[0] == '(IS_ARRAY(c["a"]))'  # all are asked for alike
        many = attr("a0") == 0
        for number in range(1000):
            many = many | (attr(f"a{number}") == number)
        for condition in (attr("a") == "x" * 200_000, many):
            with pytest.raises(TooComplexError):
                possible(condition, SCHEMA)
        deep = attr("a") == 1
        for _ in range(5000):
            deep = ~deep
        with pytest.raises(TooComplexError):
            possible(deep, SCHEMA)


class TestPatches:
    def patch(self, **changes: Any) -> Any:
        return patch_for(Update(key=Key("p", "s"), **changes), CODEC)

    def test_operations(self) -> None:
        patch = self.patch(set={"a": 2**53 + 1, "o.x": 1}, increment={"n": 1}, remove=["r"])
        assert patch.operations == [
            {"op": "set", "path": "/a", "value": {"$int": "9007199254740993"}},
            {"op": "set", "path": "/o/x", "value": 1},
            {"op": "incr", "path": "/n", "value": 1},
            {"op": "remove", "path": "/r"},
        ]
        for term in (
            'IS_OBJECT(c["o"])',
            'IS_DEFINED(c["r"])',
            'FLOOR(c["n"])',
            "9007199254740991",
        ):
            assert term in patch.predicate

    @pytest.mark.parametrize(
        "changes",
        [
            {"increment": {"n": 0.5}},
            {"increment": {"n": Decimal(1)}},
            {"increment": {"n": 2**53 + 1}},
            {"set": {("a/b",): 1}},
            {"set": {("o", "$x"): 1}},
            {"set": {("o", "0"): 1}},
            {"remove": ["o.x"]},
            {"set": {f"a{n}": n for n in range(11)}},
        ],
        ids=str,
    )
    def test_what_is_no_patch(self, changes: dict[str, Any]) -> None:
        with pytest.raises(IndirectError):
            self.patch(**changes)

    def test_a_condition_has_the_item_read_first(self) -> None:
        write = Update(key=Key("p", "s"), set={"a": 1}, condition=attr("a") == 1)
        assert Writer(SCHEMA, write, COSMOS_CAPABILITIES).first() is None

    def test_a_version_that_never_was_has_the_item_read_first(self) -> None:
        write = Put(key=Key("p", "s"), document={}, if_version=" ")
        assert Writer(SCHEMA, write, COSMOS_CAPABILITIES).first() is None


@pytest.mark.parametrize(
    ("status", "substatus", "kind"),
    [
        (404, 0, NotFoundError),
        (404, 1003, NotFoundError),
        (404, 1002, ServiceUnavailableError),
        (403, 3, ServiceUnavailableError),
        (403, 1014, ConflictError),
        (403, 5300, PermissionDeniedError),
    ],
)
def test_substatuses(status: int, substatus: int, kind: type[CloudError]) -> None:
    error = from_answer(
        status, "NotFound" if status == 404 else "Forbidden", "m", substatus=substatus
    )
    assert type(error) is kind
    assert error.retryable == (kind is ServiceUnavailableError)


def test_tokens_belong_to_a_listing() -> None:
    token = make_token(("query", "t"), ("next", "1"))
    assert read_token(token, ("query", "t")) == ("next", "1")
    for wrong, listing in (
        (token, ("scan", "t")),
        ("x", ("query", "t")),
        (token[:-2], ("query", "t")),
    ):
        with pytest.raises(ValidationError):
            read_token(wrong, listing)


class FakeTransport:
    """Answers what the client asks for when it is made, and items."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def send(self, request: Any, **options: Any) -> Any:
        from azure.core.pipeline.transport import RequestsTransportResponse
        from requests import Response
        from requests.structures import CaseInsensitiveDict

        self.seen.append((request, options))
        answer = Response()
        answer.status_code, answer.headers = 200, CaseInsensitiveDict({"etag": '"1"'})
        answer._content = json.dumps(
            {
                "id": "t",
                "_rid": "rid",
                "_self": "dbs/d/colls/c/",
                "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2},
                "writableLocations": [],
                "readableLocations": [],
                "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
            }
        ).encode()
        answer._content_consumed = True
        return RequestsTransportResponse(request, answer)


def settings(config: AzureConfig, credentials: Any, token: Any = None) -> ClientSettings:
    http = {"transport": FakeTransport(), "connection_timeout": 5, "read_timeout": 5}
    return ClientSettings(config, credentials, token, "cloudkit/test", http)


class TestClients:
    @pytest.mark.parametrize(
        ("options", "credentials", "host"),
        [
            (
                {"cosmos_endpoint": "https://c.example"},
                AccountKeyCredentials(key="a2V5"),
                "c.example",
            ),
            ({}, AccountKeyCredentials(account="acme", key="a2V5"), "acme.documents.azure.com"),
            (
                {},
                ConnectionStringCredentials(
                    connection_string="AccountEndpoint=https://s.example:443/;AccountKey=a2V5;"
                ),
                "s.example",
            ),
        ],
        ids=["key and endpoint", "key and account", "connection string"],
    )
    def test_where_and_who(self, options: Any, credentials: Any, host: str) -> None:
        given = settings(AzureConfig(**options), credentials)
        account = cosmos_client.make_client(given)
        request, sent = given.http["transport"].seen[0]
        assert host in request.url
        assert "type%3Dmaster" in request.headers["authorization"]
        assert request.headers["User-Agent"].endswith("cloudkit/test")
        assert sent["connection_verify"] is True
        account.close()

    def test_closing_does_not_need_the_inside_of_the_sdk(self) -> None:
        account = cosmos_client.CosmosAccount(Mock(client_connection=object()), "database")
        account.close()
        account.service.close.assert_called_once_with()  # type: ignore[attr-defined]

    def test_tokens(self) -> None:
        from cloudkit.azure.auth import fixed_token
        from cloudkit.common import TokenCredentials

        credentials = TokenCredentials(token="the-token")
        given = settings(
            AzureConfig(cosmos_endpoint="https://c.example"), credentials, fixed_token(credentials)
        )
        account = cosmos_client.make_client(given)
        assert account.container("t").read()["id"] == "t"
        header = given.http["transport"].seen[-1][0].headers["authorization"]
        assert header == "type=aad&ver=1.0&sig=the-token"
        account.close()

    @pytest.mark.parametrize(
        "text", ["AccountKey=c2VjcmV0", "AccountEndpoint=https://a.example", "nonsense"]
    )
    def test_a_wrong_connection_string_does_not_show(self, text: str) -> None:
        credentials = ConnectionStringCredentials(connection_string=text)
        with pytest.raises(ConfigurationError) as caught:
            cosmos_client.make_client(settings(AzureConfig(), credentials))
        assert "c2VjcmV0" not in str(caught.value)

    def test_nowhere(self) -> None:
        with pytest.raises(ConfigurationError, match="no Cosmos DB account"):
            cosmos_client.make_client(settings(AzureConfig(), AccountKeyCredentials(key="a2V5")))


class HeadersInUse(dict[str, str]):
    """The headers of the last answer, which the SDK writes to from any thread."""

    def copy(self) -> dict[str, str]:
        raise RuntimeError("OrderedDict mutated during iteration")

    __iter__ = copy  # type: ignore[assignment]


class WrittenContainer:
    """Takes writes as the SDK's container does."""

    def create_item(self, *args: Any, response_hook: Any, **options: Any) -> None:
        assert options.pop("no_response")
        response_hook(HeadersInUse({"etag": "e1"}), None)

    upsert_item = replace_item = create_item


@pytest.mark.parametrize("kind", ["create", "upsert", "replace"])
def test_the_etag_of_a_write_is_read_where_others_write_to_its_headers(kind: Any) -> None:
    account: Any = SimpleNamespace(container=lambda table: WrittenContainer())
    request = Request(kind, "id", "partition", body={"id": "id"})
    assert request.send(account, "table") == {"_etag": "e1"}
