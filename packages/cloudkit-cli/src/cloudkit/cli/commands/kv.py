"""``kv``: documents in tables."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.durations import DURATION
from cloudkit.cli.exits import Exit, ReportedError
from cloudkit.cli.inputs import given_document
from cloudkit.cli.output import Output, report
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Group, Settings

if TYPE_CHECKING:
    from cloudkit.api import Condition, Item, Key, SortCondition

TABLE = PlaceType("table", alone=True)
_COMPARISON = re.compile(r"([^<>=!]+)(<=|>=|!=|=|<|>)(.*)", re.DOTALL)


@click.group(cls=Group)
def kv() -> None:
    """Documents in tables.

    Documents are JSON. What JSON cannot say is an object with one name: {"$decimal": "1.10"},
    {"$bytes": "AAE="}, {"$datetime": "2026-01-01T00:00:00Z"}, {"$float": "1.0"}.
    """


@kv.command("create")
@click.argument("table", type=TABLE)
@click.option("--partition-key", default="pk", show_default=True, help="Its name at the service.")
@click.option("--sort-key", help="Name of the sort key, for a table with one.")
@click.pass_obj
def create(
    settings: Settings, table: Place, partition_key: str, sort_key: str | None
) -> int | None:
    """Create a table."""

    async def work() -> None:
        async with Clouds(settings, make_folder=True) as clouds:
            store = (await clouds.get(table.cloud)).kv
            made = await store.create_table(
                table.name, partition_key=partition_key, sort_key=sort_key
            )
            values = {"table": made.name, "partition_key": made.partition_key}
            Output(settings).result({**values, "sort_key": made.sort_key}, f"made {table}")

    return run(work)


@kv.command("tables")
@click.argument("cloud", type=PlaceType(bare=True))
@click.pass_obj
def tables(settings: Settings, cloud: Place) -> int | None:
    """List the tables of a cloud."""
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            async for info in (await clouds.get(cloud.cloud)).kv.list_tables():
                values = {"table": info.name, "partition_key": info.partition_key}
                output.result({**values, "sort_key": info.sort_key}, info.name)

    return run(work)


@kv.command("get")
@click.argument("table", type=TABLE)
@click.argument("key")
@click.option("--sort", help="The sort key, in a table with one.")
@click.pass_obj
def get(settings: Settings, table: Place, key: str, sort: str | None) -> int | None:
    """Print an item."""

    async def work() -> None:
        from cloudkit.common import NotFoundError

        async with Clouds(settings) as clouds:
            item = await (await clouds.get(table.cloud)).kv.get(table.name, _key(key, sort))
            if item is None:
                report(
                    NotFoundError(f"{table} has no item {_key(key, sort)}"), as_json=settings.json
                )
                raise ReportedError(Exit.NOT_FOUND)
            _show(Output(settings), item)

    return run(work)


@kv.command("put")
@click.argument("table", type=TABLE)
@click.argument("key")
@click.argument("document")
@click.option("--sort", help="The sort key, in a table with one.")
@click.option("--if-absent", is_flag=True, help="Only create.")
@click.option("--if-version", help="Only replace the item with this version.")
@click.option("--expires", type=DURATION, help="Time to live, such as 90s or 7d.")
@click.pass_obj
def put(
    settings: Settings,
    table: Place,
    key: str,
    document: str,
    sort: str | None,
    if_absent: bool,
    if_version: str | None,
    expires: float | None,
) -> int | None:
    """Write an item as a whole. DOCUMENT is JSON, @FILE, or - for standard input."""
    given = given_document(document)

    async def work() -> None:
        from cloudkit.api.kv import decode_document

        async with Clouds(settings) as clouds:
            version = await (await clouds.get(table.cloud)).kv.put(
                table.name,
                _key(key, sort),
                decode_document(given),
                if_absent=if_absent,
                if_version=if_version,
                expires_in=expires,
            )
            values = {"key": key, "sort": sort, "version": version}
            Output(settings).result(values, f"version {version}")

    return run(work)


@kv.command("delete")
@click.argument("table", type=TABLE)
@click.argument("key")
@click.option("--sort", help="The sort key, in a table with one.")
@click.option("--if-version", help="Only the item with this version.")
@click.option("-f", "--force", is_flag=True, help="An item that is missing already is fine.")
@click.pass_obj
def delete(
    settings: Settings,
    table: Place,
    key: str,
    sort: str | None,
    if_version: str | None,
    force: bool,
) -> int | None:
    """Delete an item."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            store = (await clouds.get(table.cloud)).kv
            await store.delete(table.name, _key(key, sort), if_version=if_version, missing_ok=force)
            values = {"key": key, "sort": sort, "deleted": True}
            Output(settings).result(values, f"deleted {_key(key, sort)}")

    return run(work)


@kv.command("drop")
@click.argument("table", type=TABLE)
@click.pass_obj
def drop(settings: Settings, table: Place) -> int | None:
    """Delete a table with all that is in it. There is no question before."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            await (await clouds.get(table.cloud)).kv.delete_table(table.name)
            Output(settings).result({"table": table.name, "deleted": True}, f"deleted {table}")

    return run(work)


@kv.command("query", short_help="Print the items of a partition or table.")
@click.argument("table", type=TABLE)
@click.argument("partition", required=False)
@click.option("--begins-with", help="Only sort keys that begin so.")
@click.option("--from", "low", help="Only sort keys from this one on.")
@click.option("--to", "high", help="Only sort keys up to this one.")
@click.option(
    "--where", multiple=True, metavar="CONDITION",
    help="Only documents for which this holds: 'age>=18', 'name=Ada'. All must hold.",
)  # fmt: skip
@click.option("--descending", is_flag=True, help="Last sort key first.")
@click.option("--limit", type=click.IntRange(1), help="Most items.")
@click.pass_obj
def query(
    settings: Settings,
    table: Place,
    partition: str | None,
    begins_with: str | None,
    low: str | None,
    high: str | None,
    where: tuple[str, ...],
    descending: bool,
    limit: int | None,
) -> int | None:
    """Print the items of a partition; of the whole table when none is named."""
    ordered = descending or begins_with is not None or low is not None or high is not None
    if partition is None and ordered:
        raise click.UsageError("sort keys are asked for inside a partition: name one")
    if begins_with is not None and (low is not None or high is not None):
        raise click.UsageError("--begins-with does not go with --from and --to")
    output = Output(settings)

    async def work() -> None:
        condition = _condition(where)
        async with Clouds(settings) as clouds:
            store = (await clouds.get(table.cloud)).kv
            if partition is None:
                found = store.scan(table.name, filter=condition, limit=limit)
            else:
                found = store.query(
                    table.name,
                    partition,
                    sort=_sort(begins_with, low, high),
                    filter=condition,
                    descending=descending,
                    limit=limit,
                )
            async for item in found:
                _show(output, item)

    return run(work)


def _key(partition: str, sort: str | None) -> Key:
    from cloudkit.api import Key

    return Key(partition, sort)


def _show(output: Output, item: Item) -> None:
    from cloudkit.api.kv import encode_document

    document = encode_document(item.document)
    values: dict[str, Any] = {"key": item.key.partition, "sort": item.key.sort}
    values |= {"document": document, "version": item.version, "expires_at": item.expires_at}
    output.result(values, f"{item.key}  {json.dumps(document, ensure_ascii=False)}")


def _sort(begins_with: str | None, low: str | None, high: str | None) -> SortCondition | None:
    from cloudkit.api import sort

    if begins_with is not None:
        return sort.begins_with(begins_with)
    if low is not None and high is not None:
        return sort.between(low, high)
    if low is not None:
        return sort >= low
    return None if high is None else sort <= high


def _condition(texts: tuple[str, ...]) -> Condition | None:
    whole: Condition | None = None
    for text in texts:
        one = _comparison(text)
        whole = one if whole is None else whole & one
    return whole


def _comparison(text: str) -> Condition:
    from cloudkit.api import attr
    from cloudkit.api.kv import decode_value

    found = _COMPARISON.fullmatch(text)
    if found is None:
        raise click.UsageError(
            f"--where takes NAME, one of = != < <= > >= and a value: not {text!r}"
        )
    name, operator, given = found[1].strip(), found[2], found[3].strip()
    try:
        value = decode_value(json.loads(given))
    except ValueError:
        value = given  # what is no JSON is a text
    one = attr(name)
    made: dict[str, Any] = {"=": one.__eq__, "!=": one.__ne__, "<": one.__lt__}
    made |= {"<=": one.__le__, ">": one.__gt__, ">=": one.__ge__}
    condition: Condition = made[operator](value)
    return condition
