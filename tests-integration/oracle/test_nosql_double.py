"""The double of NoSQL Database, driven by Oracle's client."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from emulators.oracle import new_key
from emulators.process import Server
from oci.exceptions import ServiceError  # type: ignore[import-untyped]
from oci.nosql import NosqlClient, models  # type: ignore[import-untyped]
from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]
from oracle.conftest import COMPARTMENT

_numbers = count(1)
LIMITS = {"max_read_units": 50, "max_write_units": 50, "max_storage_in_g_bs": 1}
COLUMNS = "(pk STRING, sk STRING, document JSON, PRIMARY KEY(SHARD(pk), sk))"
DOCUMENT = {
    "none": None,
    "text": "a\x00b\n\"'😀",
    "when": "2026-01-01T00:00:00.000000Z",
    "numbers": [1, 1.5, 2**53, -1, 5e-324, 1e300],
    "flags": [True, False, None],
    "empty": ["", [], {}, {"": None}],
    "$map": {"$int": "1", "a.b": {"c": [[1], {"d": None}]}},
}


def refused(status: int, code: str, call: Callable[..., Any], *args: Any, **named: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        call(*args, **named)
    assert (caught.value.status, caught.value.code) == (status, code)


def make(config: dict[str, Any], url: str) -> Any:
    return NosqlClient(config, service_endpoint=url, retry_strategy=NoneRetryStrategy())


@pytest.fixture(scope="module")
def nosql(oci_double: Server, config: dict[str, Any]) -> Any:
    """Oracle's client."""
    return make(config, oci_double.url)


def done(nosql: Any, answer: Any, kind: str) -> None:
    """The work request of an answer comes to its end."""
    identity = answer.headers["opc-work-request-id"]
    deadline = time.monotonic() + 10
    while (work := nosql.get_work_request(identity).data).status in {"ACCEPTED", "IN_PROGRESS"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (work.status, work.operation_type) == ("SUCCEEDED", kind)
    assert work.resources[0].entity_type == "table"


def create(nosql: Any, name: str, columns: str = COLUMNS, **limits: Any) -> Any:
    return nosql.create_table(
        models.CreateTableDetails(
            name=name,
            compartment_id=COMPARTMENT,
            ddl_statement=f"CREATE TABLE {name} {columns}",
            table_limits=models.TableLimits(**(limits or LIMITS)),
        )
    )


@pytest.fixture
def make_table(nosql: Any) -> Any:
    """Makes tables, and deletes them after the test."""
    names: list[str] = []

    def made(columns: str = COLUMNS, **limits: Any) -> str:
        name = f"table_{next(_numbers)}"
        done(nosql, create(nosql, name, columns, **limits), "CREATE_TABLE")
        names.append(name)
        return name

    yield made
    for name in names:
        done(nosql, nosql.delete_table(name, compartment_id=COMPARTMENT), "DELETE_TABLE")


@pytest.fixture
def table(make_table: Any) -> str:
    """A new table."""
    return str(make_table())


def put(nosql: Any, table: str, value: Any, if_match: str | None = None, **details: Any) -> Any:
    body = models.UpdateRowDetails(compartment_id=COMPARTMENT, value=value, **details)
    named = {} if if_match is None else {"if_match": if_match}
    return nosql.update_row(table, body, **named)


def get(nosql: Any, table: str, *key: str, **named: Any) -> Any:
    return nosql.get_row(table, list(key), compartment_id=COMPARTMENT, **named)


def delete(nosql: Any, table: str, *key: str, **named: Any) -> Any:
    return nosql.delete_row(table, list(key), compartment_id=COMPARTMENT, **named)


def query(nosql: Any, statement: str, variables: Any = None, **named: Any) -> Any:
    prepared = named.pop("is_prepared", None)
    details = models.QueryDetails(
        compartment_id=COMPARTMENT,
        statement=statement,
        variables=variables,
        is_prepared=prepared,
        consistency="ABSOLUTE",
    )
    return nosql.query(details, **named)


def test_tables_come_change_and_go(nosql: Any) -> None:
    name = f"Table_{next(_numbers)}"
    answer = create(nosql, name)
    refused(409, "TableAlreadyExists", create, nosql, name.lower())
    done(nosql, answer, "CREATE_TABLE")
    described = nosql.get_table(name.upper(), compartment_id=COMPARTMENT).data
    assert (described.name, described.lifecycle_state) == (name, "ACTIVE")
    assert described.schema.primary_key == ["pk", "sk"]
    assert described.schema.shard_key == ["pk"]
    assert {each.name: each.type for each in described.schema.columns}["document"] == "JSON"
    assert nosql.get_table(described.id).data.id == described.id
    listed = nosql.list_tables(COMPARTMENT, sort_by="name", sort_order="ASC").data.items
    assert name in [each.name for each in listed]
    for details in (
        {"ddl_statement": f"ALTER TABLE {name} (ADD note STRING)"},
        {"ddl_statement": f"ALTER TABLE {name} USING TTL 2 DAYS"},
        {"table_limits": models.TableLimits(**{**LIMITS, "max_read_units": 7})},
    ):
        body = models.UpdateTableDetails(compartment_id=COMPARTMENT, **details)
        done(nosql, nosql.update_table(name, body), "UPDATE_TABLE")
    described = nosql.get_table(name, compartment_id=COMPARTMENT).data
    assert (described.schema.ttl, described.table_limits.max_read_units) == (2, 7)
    assert [each.name for each in described.schema.columns][-1] == "note"
    answer = nosql.delete_table(name, compartment_id=COMPARTMENT)
    refused(409, "IncorrectState", nosql.delete_table, name, compartment_id=COMPARTMENT)
    done(nosql, answer, "DELETE_TABLE")
    refused(404, "TableNotFound", nosql.get_table, name, compartment_id=COMPARTMENT)
    refused(404, "TableNotFound", nosql.get_table, described.id)
    refused(404, "TableNotFound", get, nosql, name, "pk:a", "sk:b")


@pytest.mark.parametrize(
    "columns",
    [
        "(pk STRING)",
        "(pk STRING, PRIMARY KEY(sk))",
        "(pk JSON, PRIMARY KEY(pk))",
        "(pk STRING, PK STRING, PRIMARY KEY(pk))",
        "(pk STRING, PRIMARY KEY(pk)",
        "(p-k STRING, PRIMARY KEY(p-k))",
    ],
)
def test_what_defines_no_table_is_refused(nosql: Any, columns: str) -> None:
    refused(400, "InvalidParameter", create, nosql, f"table_{next(_numbers)}", columns)


def test_names_and_limits_have_rules(nosql: Any) -> None:
    for name in ("a-b", "1a", "ä", "x" * 257):
        refused(400, "InvalidParameter", create, nosql, name)
    for limits in (
        {**LIMITS, "max_read_units": 0},
        {**LIMITS, "max_storage_in_g_bs": 0},
        {**LIMITS, "capacity_mode": "ON_DEMAND"},
    ):
        refused(400, "InvalidParameter", create, nosql, "some", **limits)


def test_a_table_is_named_with_its_compartment(nosql: Any, table: str) -> None:
    refused(404, "NotAuthorizedOrNotFound", nosql.get_row, table, ["pk:a", "sk:b"])
    refused(404, "TableNotFound", nosql.get_table, table, compartment_id="ocid1.other")
    identity = nosql.get_table(table, compartment_id=COMPARTMENT).data.id
    body = models.UpdateRowDetails(value={"pk": "a", "sk": "b"})
    nosql.update_row(identity, body)
    assert nosql.get_row(identity, ["pk:a", "sk:b"]).data.value["pk"] == "a"


def test_a_row_comes_back_as_it_was_put(nosql: Any, table: str) -> None:
    key = {"pk": "a:b&c=d+e /?#%", "sk": "ä"}
    missing = get(nosql, table, f"pk:{key['pk']}", "sk:ä").data
    assert (missing.value, missing.time_of_expiration) == (None, None)
    answer = put(nosql, table, {**key, "document": DOCUMENT})
    found = get(nosql, table, f"pk:{key['pk']}", "sk:ä", consistency="ABSOLUTE")
    assert found.data.value == {**key, "document": DOCUMENT}
    assert found.headers["etag"] == answer.data.version == answer.headers["etag"]
    assert found.data.usage.read_units_consumed == 2
    (row,) = query(nosql, f"SELECT * FROM {table}").data.items
    assert row == {**key, "document": DOCUMENT}
    assert type(row["document"]["numbers"][1]) is float


def test_writes_under_a_condition(nosql: Any, table: str) -> None:
    key, names = {"pk": "a", "sk": "b"}, ("pk:a", "sk:b")
    assert put(nosql, table, key, option="IF_PRESENT").data.version is None
    first = put(nosql, table, key, option="IF_ABSENT").data.version
    assert first
    refusal = put(nosql, table, key, option="IF_ABSENT", is_get_return_row=True).data
    assert (refusal.version, refusal.existing_version) == (None, first)
    assert refusal.existing_value["pk"] == "a"
    second = put(nosql, table, key, if_match=first).data.version
    assert second != first
    refused(412, "ETagMismatch", put, nosql, table, key, if_match=first)
    refused(412, "ETagMismatch", delete, nosql, table, *names, if_match=first)
    assert delete(nosql, table, *names, if_match=second).data.is_success is True
    assert delete(nosql, table, *names).data.is_success is False
    refused(412, "ETagMismatch", put, nosql, table, key, if_match=second)


def test_rows_have_a_shape_and_a_size(nosql: Any, table: str) -> None:
    key = {"pk": "a", "sk": "b"}
    refused(400, "InvalidParameter", put, nosql, table, {"pk": "a"})
    refused(400, "InvalidParameter", put, nosql, table, {"pk": 1, "sk": "b"})
    refused(400, "InvalidParameter", put, nosql, table, {**key, "more": 1}, is_exact_match=True)
    put(nosql, table, {**key, "more": 1})
    for names in (["pk:a"], ["pk:a", "sk"], ["pk:a", "sk:b", "more:c"]):
        refused(400, "InvalidParameter", get, nosql, table, *names)
    refused(400, "KeySizeLimitExceeded", put, nosql, table, {"pk": "a" * 33, "sk": "b" * 32})
    put(nosql, table, {"pk": "a" * 32, "sk": "b" * 32})
    large = {**key, "document": "x" * 512 * 1024}
    refused(400, "RowSizeLimitExceeded", put, nosql, table, large)
    refused(400, "RequestSizeLimitExceeded", put, nosql, table, {"pk": "x" * 3_000_000})


def test_times_to_live_are_days_and_stay_until_another_is_given(
    nosql: Any, make_table: Any
) -> None:
    table = make_table()
    value, names = {"pk": "a", "sk": "b"}, ("pk:a", "sk:b")

    def days_left() -> float | None:
        end = get(nosql, table, *names).data.time_of_expiration
        return None if end is None else (end - datetime.now(UTC)) / timedelta(days=1)

    put(nosql, table, value)
    assert days_left() is None
    put(nosql, table, value, ttl=3)
    assert 3 <= (days_left() or 0) <= 4.01
    unchanged: list[dict[str, Any]] = [{}, {"ttl": 0}, {"is_ttl_use_table_default": True}]
    for details in unchanged:
        put(nosql, table, value, **details)
        assert 3 <= (days_left() or 0) <= 4.01
    put(nosql, table, value, ttl=365_000)
    assert (days_left() or 0) >= 365_000
    with_default = make_table(f"{COLUMNS} USING TTL 2 DAYS")
    put(nosql, with_default, value)
    assert get(nosql, with_default, *names).data.time_of_expiration is not None


def test_a_query_binds_variables_and_comes_in_pages(nosql: Any, table: str) -> None:
    for number in range(7):
        put(nosql, table, {"pk": "a", "sk": f"{number}", "document": {"n": number, "t": ["x"]}})
    put(nosql, table, {"pk": "b", "sk": "0"})
    statement = (
        f"DECLARE $p STRING; $low STRING; SELECT * FROM {table} $r "
        "WHERE $r.pk = $p AND $r.sk >= $low ORDER BY $r.pk{0}, $r.sk{0}"
    )
    variables = {"$p": "a", "$low": "2"}

    def numbers(text: str, **named: Any) -> list[list[int]]:
        pages: list[list[int]] = []
        page: dict[str, str] = {}
        while True:
            answer = query(nosql, text, variables, limit=2, **named, **page)
            pages.append([row["document"]["n"] for row in answer.data.items])
            if not answer.has_next_page:
                return pages
            page = {"page": answer.next_page}

    assert numbers(statement.format("")) == [[2, 3], [4, 5], [6]]
    assert numbers(statement.format(" DESC")) == [[6, 5], [4, 3], [2]]
    prepared = nosql.prepare_statement(COMPARTMENT, statement.format("")).data.statement
    assert numbers(prepared, is_prepared=True) == [[2, 3], [4, 5], [6]]
    assert len(query(nosql, f"SELECT * FROM {table}").data.items) == 8
    some = f'DECLARE $t STRING; SELECT * FROM {table} $r WHERE $r.document."t" =any $t'
    assert len(query(nosql, some, {"$t": "x"}).data.items) == 7
    assert query(nosql, some, {"$t": "y"}).data.items == []


def test_queries_that_the_service_would_refuse(nosql: Any, table: str) -> None:
    declared = "DECLARE $p STRING; "
    for statement, variables in (
        ("SELECT", None),
        ("SELECT * FROM {0} WHERE", None),
        ("SELECT * FROM {0} WHERE other = 1", None),
        ("SELECT * FROM {0} WHERE pk = $p", {"$p": "a"}),
        (declared + "SELECT * FROM {0} WHERE pk = $p", None),
        (declared + "SELECT * FROM {0} WHERE pk = $p", {"$p": 1}),
        (declared + "SELECT * FROM {0} WHERE pk = $p", {"$p": "a", "$q": "a"}),
        ("SELECT * FROM {0} ORDER BY pk, sk", None),
        (declared + "SELECT * FROM {0} WHERE pk = $p ORDER BY sk", {"$p": "a"}),
        ("SELECT * FROM {0} WHERE pk = " + f'"{"x" * 10240}"', None),
    ):
        refused(400, "InvalidParameter", query, nosql, statement.format(table), variables)
    refused(404, "TableNotFound", query, nosql, "SELECT * FROM never_made")
    refused(400, "InvalidParameter", query, nosql, f"SELECT * FROM {table}", page="x")


def test_a_page_ends_where_much_has_been_read(nosql: Any, table: str) -> None:
    for number in range(12):
        put(nosql, table, {"pk": "a", "sk": f"{number}", "document": "x" * 200 * 1024})
    answer = query(nosql, f"SELECT * FROM {table}")
    assert 0 < len(answer.data.items) < 12
    assert answer.has_next_page


def test_units_are_counted_and_run_out(nosql: Any, make_table: Any) -> None:
    slow = {"max_read_units": 50, "max_write_units": 1, "max_storage_in_g_bs": 1}
    table = make_table(**slow)
    value = {"pk": "a", "sk": "b", "document": "x" * 301 * 1024}
    usage = put(nosql, table, value).data.usage
    assert usage.write_units_consumed == 302
    refused(429, "TooManyRequests", put, nosql, table, value)
    assert get(nosql, table, "pk:a", "sk:b").data.usage.read_units_consumed == 302
    (summary,) = nosql.list_table_usage(table, compartment_id=COMPARTMENT).data.items
    assert (summary.write_units, summary.write_throttle_count) == (302, 1)


def test_who_signs_with_another_key_is_refused(oci_double: Server, config: dict[str, Any]) -> None:
    other = make({**config, "key_content": new_key()[0]}, oci_double.url)
    refused(401, "NotAuthenticated", other.list_tables, COMPARTMENT)
