"""Keys in the columns of a primary key, and names of tables."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.api.kv import Key, SortCondition, TableInfo, attr
from cloudkit.common import SerializationError, ValidationError
from cloudkit.oracle.nosql.capabilities import NOSQL_CAPABILITIES
from cloudkit.oracle.nosql.filters import equalities
from cloudkit.oracle.nosql.keys import (
    LAST,
    PARTITION_BYTES,
    SORT_BYTES,
    WHOLE_BYTES,
    from_ordered,
    is_cut,
    is_hashed,
    ordered,
    partition_column,
    run_of,
    sort_column,
)
from cloudkit.oracle.nosql.names import check_columns, own_table, stored_table
from cloudkit.oracle.nosql.pages import Select, select_after, select_sort
from cloudkit.oracle.nosql.schema import Schema
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
SORTS = st.one_of(KEYS, KEYS.map(lambda text: f"a common beginning of {text}"))
SCHEMA = Schema(TableInfo(name="t-a.b", partition_key="owner", sort_key="at"))
OPERATORS = ("=", "<", "<=", ">", ">=", "between", "begins_with")


@given(KEYS)
def test_a_key_comes_back(text: str) -> None:
    column = ordered(text)
    assert column.isascii()
    assert column.isprintable()
    assert " " not in column
    assert from_ordered(column) == text


@given(SORTS, SORTS)
def test_columns_are_in_the_order_of_the_keys(left: str, right: str) -> None:
    assert (ordered(left) < ordered(right)) == (left.encode() < right.encode())
    columns = sort_column(left), sort_column(right)
    if run_of(columns[0]) != run_of(columns[1]):
        assert (columns[0] < columns[1]) == (left < right)
        assert (run_of(columns[0]) < run_of(columns[1])) == (left < right)


@given(SORTS, KEYS)
def test_all_columns_together_are_within_the_limit(sort: str, partition: str) -> None:
    key = Key(partition * 20, sort)
    assert sum(map(len, SCHEMA.columns(key).values())) <= 60
    assert len(partition_column(partition * 20, WHOLE_BYTES)) <= 60
    column = partition_column(partition, PARTITION_BYTES)
    assert is_hashed(column) != (column == ordered(partition))


@given(SORTS, SORTS)
def test_different_keys_have_different_columns(left: str, right: str) -> None:
    assert (sort_column(left) == sort_column(right)) == (left == right)


def _holds(term: str, column: str, values: dict[str, Any]) -> bool:
    _, operator, name = term.split()
    value = values[name]
    assert isinstance(value, str)
    return {
        "=": column == value,
        "<": column < value,
        "<=": column <= value,
        ">": column > value,
        ">=": column >= value,
    }[operator]


@given(SORTS, SORTS, SORTS, st.sampled_from(OPERATORS))
def test_the_service_is_asked_for_all_that_may_match(
    sort: str, one: str, two: str, operator: str
) -> None:
    low, high = sorted((one, two))
    condition = SortCondition(operator, low, high if operator == "between" else None)  # type: ignore[arg-type]
    select = Select(SCHEMA)
    select_sort(select, "at", condition)
    if condition.matches(sort):
        assert all(_holds(term, sort_column(sort), select.values) for term in select.terms)


@given(SORTS, SORTS, st.booleans())
def test_what_comes_behind_a_position_is_asked_for_with_its_run(
    sort: str, position: str, descending: bool
) -> None:
    select = Select(SCHEMA)
    select_after(select, "at", position, descending=descending)
    column = sort_column(sort)
    asked = all(_holds(term, column, select.values) for term in select.terms)
    behind = sort < position if descending else sort > position
    same_run = is_cut(column) and run_of(column) == run_of(sort_column(position))
    assert asked == (behind or same_run)


def test_a_statement_holds_no_values() -> None:
    select = Select(SCHEMA)
    select.term("owner", "=", "'; DROP TABLE t")
    select_sort(select, "at", SortCondition("begins_with", '"x'))
    select.filter(
        (attr("a.b") == "x") & (attr("c") == True) & (attr('"') == "x") & (attr("n") == 1)  # noqa: E712
    )
    assert select.ordered(descending=True) == (
        "DECLARE $v0 STRING; $v1 STRING; $v2 STRING; $v3 STRING; $v4 BOOLEAN; SELECT * FROM t_2da_2eb $r "
        "WHERE $r.owner = $v0 AND $r.at >= $v1 AND $r.at < $v2 "
        'AND $r.document."a"."b" =any $v3 AND $r.document."c" =any $v4 '
        "ORDER BY $r.owner DESC, $r.at DESC"
    )
    assert select.values == {
        "$v0": "'; DROP TABLE t",
        "$v1": '"x',
        "$v2": f'"x{LAST}',
        "$v3": "x",
        "$v4": True,
    }


@pytest.mark.parametrize("column", ["~~digest", "a" * (SORT_BYTES + 1), "~c3", "~zz~", ""])
def test_what_cloudkit_would_not_write_is_no_key(column: str) -> None:
    row = {"owner": "o", "at": column}
    if column == "~zz~":
        assert SCHEMA.key_of(row) == Key("o", "~zz~")  # another program's: it means itself
        return
    if column == "~~digest":
        row = {"owner": column, "at": "a"}
    with pytest.raises(SerializationError):
        SCHEMA.key_of(row)


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,84}", fullmatch=True))
def test_a_name_of_a_table_comes_back(name: str) -> None:
    stored = stored_table(name)
    assert own_table(stored) == name
    assert len(stored) <= 256
    assert stored.replace("_", "").isalnum()


@given(
    st.text("ab-._25deDEfF", min_size=1, max_size=6),
    st.text("ab-._25deDEfF", min_size=1, max_size=6),
)
def test_different_names_of_tables_stay_different(one: str, two: str) -> None:
    if one.lower() != two.lower():
        assert stored_table(f"t{one}").lower() != stored_table(f"t{two}").lower()


def test_what_asks_for_other_things_is_asked_of_no_service() -> None:
    for condition in (
        (attr("a") == "x") | (attr("b") == "y"),
        ~(attr("a") == "x"),
        attr("a") != "x",
        attr("a") > "x",
        attr("$a") == "x",
        attr(("a", "b.c")) == "x",
        attr("a") == "x" * 2000,
        attr("a") == b"x",
    ):
        assert list(equalities(condition)) == []
    many = attr("a0") == "x"
    for number in range(1, 30):
        many &= attr(f"a{number}") == "x"
    assert len(list(equalities(many))) == 10


@pytest.mark.parametrize("name", ["Join", "ONLY", "uuid"])
def test_reserved_words_name_no_table(name: str) -> None:
    with pytest.raises(ValidationError, match="reserves"):
        NOSQL_CAPABILITIES.table_name.check(name, "table")
    NOSQL_CAPABILITIES.table_name.check(f"{name}s", "table")


@pytest.mark.parametrize(
    "name", ["document", "outer", "CLOUDKIT", "a-b", "1", "ä", "x" * 65, "a;b"]
)
def test_names_that_no_key_can_have(name: str) -> None:
    with pytest.raises(ValidationError):
        check_columns(TableInfo(name="t", partition_key=name))
    with pytest.raises(ValidationError):
        check_columns(TableInfo(name="t", partition_key="pk", sort_key=name))


def test_names_of_keys_differ_in_more_than_case() -> None:
    check_columns(TableInfo(name="t", partition_key="pk", sort_key="sk"))
    with pytest.raises(ValidationError):
        check_columns(TableInfo(name="t", partition_key="pk", sort_key="PK"))
