"""``kv``: documents."""

import pytest

TABLE = "local:people"


@pytest.fixture
def table(cli) -> str:
    cli("kv", "create", TABLE, "--sort-key", "year")
    for year, name in (("1815", "Ada"), ("1906", "Grace"), ("1912", "Alan")):
        cli("kv", "put", TABLE, "pioneers", f'{{"name": "{name}"}}', "--sort", year)
    return TABLE


def names(cli, *arguments: str) -> list[str]:
    rows = cli("kv", "query", TABLE, *arguments, "--json").rows
    return [row["document"]["name"] for row in rows]


def test_a_document_goes_there_and_back(cli) -> None:
    cli("kv", "create", "local:things")
    document = '{"n": 1, "big": {"$int": "9007199254740993"}, "price": {"$decimal": "1.10"}}'
    version = cli("kv", "put", "local:things", "a", document, "--json").row["version"]
    row = cli("kv", "get", "local:things", "a", "--json").row
    assert row["version"] == version
    assert row["key"] == "a"
    assert row["document"] == {
        "n": 1,
        "big": {"$int": "9007199254740993"},
        "price": {"$decimal": "1.10"},
    }
    assert cli("kv", "get", "local:things", "a").out.startswith('a  {"n": 1')


def test_what_is_missing(cli, table) -> None:
    assert "nobody" in cli("kv", "get", TABLE, "nobody", "--sort", "1", code=3).err
    assert "none" in cli("kv", "get", "local:none", "a", code=3).err
    cli("kv", "get", TABLE, "pioneers", code=2)  # it has a sort key


def test_conditions(cli, table) -> None:
    again = ("kv", "put", TABLE, "pioneers", '{"name": "x"}', "--sort", "1815")
    cli(*again, "--if-absent", code=5)
    cli(*again, "--if-version", "stale", code=5)
    version = cli("kv", "get", TABLE, "pioneers", "--sort", "1815", "--json").row["version"]
    cli(*again, "--if-version", version)


def test_queries(cli, table) -> None:
    assert names(cli, "pioneers") == ["Ada", "Grace", "Alan"]
    assert names(cli, "pioneers", "--descending", "--limit", "2") == ["Alan", "Grace"]
    assert names(cli, "pioneers", "--begins-with", "19") == ["Grace", "Alan"]
    assert names(cli, "pioneers", "--from", "1900", "--to", "1910") == ["Grace"]
    assert names(cli, "pioneers", "--from", "1910") == ["Alan"]
    assert names(cli, "pioneers", "--to", "1900") == ["Ada"]
    assert names(cli, "pioneers", "--where", "name=Grace") == ["Grace"]
    assert names(cli, "pioneers", "--where", "name>=Al", "--where", "name!=Grace") == ["Alan"]
    assert sorted(names(cli)) == ["Ada", "Alan", "Grace"]
    assert names(cli, "others") == []


def test_values_in_conditions_are_json(cli) -> None:
    cli("kv", "create", "local:people")
    for name, age in (("a", 17), ("b", 18)):
        cli("kv", "put", TABLE, name, f'{{"name": "{name}", "age": {age}}}')
    assert names(cli, "--where", "age>=18") == ["b"]
    assert names(cli, "--where", 'name="a"') == ["a"]


def test_documents_from_files_and_pipes(installed, tmp_path) -> None:
    installed("kv", "create", TABLE)
    (tmp_path / "document.json").write_text('{"name": "file"}')
    installed("kv", "put", TABLE, "a", f"@{tmp_path / 'document.json'}")
    installed("kv", "put", TABLE, "b", "-", text='{"name": "pipe"}')
    assert '"pipe"' in installed("kv", "get", TABLE, "b").out


def test_tables(cli, table) -> None:
    row = cli("kv", "tables", "local", "--json").row
    assert row == {"table": "people", "partition_key": "pk", "sort_key": "year"}
    cli("kv", "create", TABLE, code=5)


def test_items_and_tables_are_deleted(cli, table) -> None:
    cli("kv", "delete", TABLE, "pioneers", "--sort", "1815", "--if-version", "stale", code=5)
    row = cli("kv", "delete", TABLE, "pioneers", "--sort", "1815", "--json").row
    assert row == {"key": "pioneers", "sort": "1815", "deleted": True}
    cli("kv", "delete", TABLE, "pioneers", "--sort", "1815", code=3)
    cli("kv", "delete", TABLE, "pioneers", "--sort", "1815", "-f")
    assert names(cli, "pioneers") == ["Grace", "Alan"]
    assert cli("kv", "drop", TABLE).out == f"deleted {TABLE}\n"
    cli("kv", "drop", TABLE, code=3)


def test_an_item_expires(cli) -> None:
    cli("kv", "create", TABLE)
    cli("kv", "put", TABLE, "a", "{}", "--expires", "1d")
    assert cli("kv", "get", TABLE, "a", "--json").row["expires_at"] is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", TABLE, "a", "no json"),
        ("put", TABLE, "a", "[1]"),
        ("query", TABLE, "--descending"),
        ("query", TABLE, "p", "--begins-with", "a", "--to", "b"),
        ("query", TABLE, "p", "--where", "name"),
        ("get", "local:", "a"),
        ("get", "local:people/extra", "a"),
    ],
)
def test_wrong_usage(cli, arguments: tuple[str, ...]) -> None:
    assert cli("kv", *arguments, code=2).err.startswith("cloudkit: ")
