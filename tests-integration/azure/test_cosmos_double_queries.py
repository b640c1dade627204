"""Queries of the double of Cosmos DB, by the service's own client."""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos_clients import MakeContainer, refused

ITEMS: list[dict[str, Any]] = [
    {"id": "1", "n": 1, "s": "apple", "o": {"x y": [10, 20]}, "l": ["a", {"k": 1, "m": 2}]},
    {"id": "2", "n": 2, "s": "Banana", "b": True, "z": None},
    {"id": "3", "n": 3, "s": "cherry", "b": False, "l": []},
    {"id": "4", "n": "3", "s": "date"},
    {"id": "5", "s": "elder"},
]


@pytest.fixture
def filled(container: ContainerProxy) -> ContainerProxy:
    """A container with the items in one partition."""
    for item in ITEMS:
        container.create_item({"pk": "a", **item})
    return container


@pytest.fixture
def spread(container: ContainerProxy) -> ContainerProxy:
    """A container with 40 items in 40 partitions."""
    for number in range(40):
        container.create_item({"id": f"{number:02}", "pk": number, "n": (number * 7) % 40})
    return container


def select(container: ContainerProxy, query: str, **parameters: Any) -> list[Any]:
    given = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
    return list(container.query_items(query, parameters=given, partition_key="a"))


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("c.n = 3", "3"),
        ("c.n = '3'", "4"),
        ("c.n != 3", "12"),
        ("c.n > 1", "23"),
        ("c.n >= 1 AND c.n < 3", "12"),
        ("c.n <= 1 OR c.s = 'elder'", "15"),
        ("NOT (c.n = 1)", "23"),
        ("NOT c.b", "3"),
        ("c.b", "2"),
        ("c.n", ""),
        ("c.missing = null", ""),
        ("c.z = null", "2"),
        ("c.z != 1", ""),
        ("c.missing != 1 OR c.n = 1", "1"),
        ("c.n IN (1, '3', 9)", "14"),
        ("c.n NOT IN (1, 2)", "3"),
        ("c.n BETWEEN 2 AND 3", "23"),
        ("c.n NOT BETWEEN 2 AND 3", "1"),
        ("c.s BETWEEN 'a' AND 'c'", "1"),
        ("IS_DEFINED(c.n)", "1234"),
        ("NOT IS_DEFINED(c.n)", "5"),
        ("IS_NULL(c.z)", "2"),
        ("IS_STRING(c.n)", "4"),
        ("IS_NUMBER(c.n)", "123"),
        ("is_bool(c.b)", "23"),
        ("IS_ARRAY(c.l)", "13"),
        ("IS_OBJECT(c.o)", "1"),
        ("STARTSWITH(c.s, 'ba')", ""),
        ("STARTSWITH(c.s, 'ba', true)", "2"),
        ("CONTAINS(c.s, 'rr')", "3"),
        ("NOT CONTAINS(c.n, 'x')", "4"),
        ("ENDSWITH(c.s, 'e')", "14"),
        ("ARRAY_CONTAINS(c.l, 'a')", "1"),
        ("ARRAY_CONTAINS(c.l, {'k': 1})", ""),
        ("ARRAY_CONTAINS(c.l, {'k': 1}, true)", "1"),
        ("ARRAY_LENGTH(c.l) = 0", "3"),
        ("FLOOR(c.n) = c.n", "123"),
        ("FLOOR(2.5) = 2 AND FLOOR(-2.5) = -3", "12345"),
        ("c.l = []", "3"),
        ("c.o = {'x y': [10, 20]}", "1"),
        ('c["o"]["x y"][1] = 20', "1"),
        ("c.o['x y'][2] = 20", ""),
        ("c.n > -1 AND c.n < 1.5e0", "1"),
        ('c.s = "appl\\u0065"', "1"),
        ("c['n'] = @none", "3"),
        ("true", "12345"),
        ("undefined", ""),
    ],
)
def test_conditions(filled: ContainerProxy, condition: str, ids: str) -> None:
    found = select(filled, f"SELECT VALUE c.id FROM c WHERE {condition}", none=3)
    assert "".join(found) == ids


@pytest.mark.parametrize(
    ("query", "results"),
    [
        ("SELECT c.id, c.missing FROM c WHERE c.n = 1", [{"id": "1"}]),
        ("SELECT c.o['x y'] AS x, 1 AS one FROM c WHERE c.n = 1", [{"x": [10, 20], "one": 1}]),
        ("SELECT c.n + 0 FROM c", None),
        (
            "SELECT VALUE {'i': c.id, 'l': [c.n, c.none]} FROM c WHERE c.n = 2",
            [{"i": "2", "l": [2]}],
        ),
        ("SELECT VALUE c.b FROM c", [True, False]),
        ("SELECT VALUE root.id FROM root WHERE root.n = 1", ["1"]),
        ("SELECT VALUE r.id FROM root r WHERE r.n = 1", ["1"]),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.n > 1", [2]),
        ("SELECT COUNT(1) AS n, MAX(c.n) AS most FROM c", [{"n": 5, "most": "3"}]),
        ("SELECT VALUE SUM(c.n) FROM c WHERE IS_NUMBER(c.n)", [6]),
        ("SELECT TOP 2 VALUE c.id FROM c", ["1", "2"]),
        ("SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2", ["2", "3"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n", ["1", "2", "3", "4"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n DESC OFFSET 1 LIMIT @two", ["3", "2"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.s ASC", ["2", "1", "3", "4", "5"]),
    ],
)
def test_what_is_selected(filled: ContainerProxy, query: str, results: list[Any] | None) -> None:
    if results is None:
        with refused(400):
            select(filled, query)
    else:
        assert select(filled, query, two=2) == results


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM c WHERE c.n = @unknown",
        "SELECT * FROM c WHERE d.n = 1",
        "SELECT * FROM c WHERE NONSENSE(c.n)",
        "SELECT * FROM c WHERE c.order = 1",
        "SELECT * FROM c WHERE",
        "SELECT * FROM c ORDER BY 1",
        "SELECT * FROM c ORDER BY c.n, c.s",
        "SELECT * FROM c LIMIT 1",
        "SELECT * FROM c WHERE c.n = 1; DROP",
    ],
)
def test_wrong_queries(filled: ContainerProxy, query: str) -> None:
    with refused(400):
        select(filled, query)


def test_what_the_double_does_not_know_is_told(filled: ContainerProxy) -> None:
    with refused(501):
        select(filled, "SELECT DISTINCT c.n FROM c")


def test_sorting_by_two_paths_needs_an_index(make_container: MakeContainer) -> None:
    index = [{"path": "/a", "order": "ascending"}, {"path": "/b", "order": "descending"}]
    container = make_container(indexing_policy={"compositeIndexes": [index]})
    for name, (a, b) in {"1": (2, 1), "2": (1, 1), "3": (1, 2)}.items():
        container.create_item({"id": name, "pk": "a", "a": a, "b": b})
    assert select(container, "SELECT VALUE c.id FROM c ORDER BY c.a, c.b DESC") == ["3", "2", "1"]
    with refused(400):
        select(container, "SELECT VALUE c.id FROM c ORDER BY c.a, c.b")


def test_a_named_index_lists_also_what_is_undefined(make_container: MakeContainer) -> None:
    paths = [{"path": "/*"}, {"path": "/n/?"}]
    container = make_container(indexing_policy={"includedPaths": paths})
    for item in ITEMS:
        container.create_item({"pk": "a", **item})
    query = "SELECT VALUE c.id FROM c ORDER BY c.n"
    assert select(container, query) == ["5", "1", "2", "3", "4"]


class TestPages:
    @pytest.mark.parametrize("query", ["SELECT * FROM c", "SELECT * FROM c ORDER BY c.n DESC"])
    def test_they_survive_inserts(self, container: ContainerProxy, query: str) -> None:
        for number in range(7):
            container.create_item({"id": str(number), "pk": "a", "n": number // 2})
        found: list[str] = []
        token: str | None = None
        for turn in range(4):
            pages = container.query_items(query, partition_key="a", max_item_count=2)
            pager: Any = pages.by_page(token)
            found += [item["id"] for item in next(pager)]
            token = pager.continuation_token
            container.delete_item(found[-1], "a")
            container.create_item({"id": f"new{turn}", "pk": "a", "n": 9})
        assert [name for name in found if len(name) == 1] == sorted(
            found[:7], key=lambda name: (-(int(name) // 2), name) if "ORDER" in query else name
        )

    def test_counts_hold_over_pages(self, spread: ContainerProxy) -> None:
        for number in range(9):
            spread.create_item({"id": f"a{number}", "pk": "a", "n": number})
        query = "SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 3 LIMIT 5"
        pages: Any = spread.query_items(query, partition_key="a", max_item_count=2).by_page()
        assert [list(page) for page in pages] == [[3, 4], [5, 6], [7]]

    def test_a_token_belongs_to_its_query(self, filled: ContainerProxy) -> None:
        query = "SELECT * FROM c"
        pager: Any = filled.query_items(query, partition_key="a", max_item_count=1).by_page()
        next(pager)
        token = pager.continuation_token
        other = filled.query_items(f"{query} WHERE true", partition_key="a", max_item_count=1)
        with refused(400):
            next(other.by_page(token))
        with refused(400):
            next(filled.query_items(query, partition_key="a").by_page("nonsense"))

    def test_pages_are_not_larger_than_4_mebibytes(self, container: ContainerProxy) -> None:
        for number in range(6):
            container.create_item({"id": str(number), "pk": "a", "x": "y" * 1024 * 1024})
        pages = container.query_items("SELECT * FROM c", partition_key="a").by_page()
        assert [len(list(page)) for page in pages] == [3, 3]


class TestAcrossPartitions:
    def run(self, container: ContainerProxy, query: str, **options: Any) -> list[Any]:
        found = container.query_items(query, enable_cross_partition_query=True, **options)
        return list(found)

    def test_it_has_to_be_asked_for(self, spread: ContainerProxy) -> None:
        with refused(400):
            list(spread.query_items("SELECT * FROM c"))

    def test_scans(self, spread: ContainerProxy) -> None:
        found = self.run(spread, "SELECT VALUE c.n FROM c WHERE c.n < 30", max_item_count=4)
        assert sorted(found) == list(range(30))
        assert len(list(spread.read_all_items(max_item_count=7))) == 40

    def test_pages_of_scans(self, spread: ContainerProxy) -> None:
        query, found, token = "SELECT VALUE c.n FROM c", list[int](), None
        while True:
            pages = spread.query_items(query, enable_cross_partition_query=True, max_item_count=9)
            pager: Any = pages.by_page(token)
            found += list(next(pager))
            token = pager.continuation_token
            if token is None:
                break
        assert sorted(found) == list(range(40))

    @pytest.mark.parametrize(
        ("query", "results"),
        [
            ("SELECT VALUE COUNT(1) FROM c", [40]),
            ("SELECT VALUE MAX(c.n) FROM c WHERE c.n < 30", [29]),
            ("SELECT VALUE c.n FROM c ORDER BY c.n", list(range(40))),
            (
                "SELECT c.n, c['n'] AS m FROM c ORDER BY c.n DESC OFFSET 2 LIMIT 1",
                [{"n": 37, "m": 37}],
            ),
            ("SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n", [0, 1, 2]),
        ],
    )
    def test_what_the_client_has_to_put_together(
        self, spread: ContainerProxy, query: str, results: list[Any]
    ) -> None:
        assert self.run(spread, query, max_item_count=6) == results

    def test_counts_without_order(self, spread: ContainerProxy) -> None:
        assert len(self.run(spread, "SELECT TOP 30 * FROM c")) == 30
        assert len(self.run(spread, "SELECT c.n FROM c OFFSET 35 LIMIT 30")) == 5

    def test_ranges(self, spread: ContainerProxy) -> None:
        ranges = list(spread.read_feed_ranges())
        found = [
            {item["id"] for item in spread.query_items("SELECT * FROM c", feed_range=part)}
            for part in ranges
        ]
        assert len(found) == 2
        assert all(found)
        assert not found[0] & found[1]
        assert len(found[0] | found[1]) == 40

    def test_many_at_once(self, spread: ContainerProxy) -> None:
        wanted = [(f"{number:02}", number) for number in range(0, 40, 3)]
        found = spread.read_items(wanted)
        assert sorted(item["id"] for item in found) == [name for name, _ in wanted]
