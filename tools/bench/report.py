"""Results of a benchmark, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen
from rich.console import Console
from rich.table import Table


@frozen
class Row:
    """One result.

    Attributes:
        what: What was measured.
        value: With its unit.
        ratio: Against what the benchmark compares with, or None.
        target: What it should be, in words, or empty.
        met: Whether it is, or None where there is no target.
    """

    what: str
    value: str
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


@frozen
class Cell:
    """One result of a grid.

    Attributes:
        value: With its unit.
        ratio: Against what the benchmark compares with.
    """

    value: str
    ratio: float


def print_grid(
    title: str, columns: Sequence[str], rows: Mapping[str, Sequence[Cell | None]]
) -> None:
    """Print a table of several results a row, each with its ratio.

    Args:
        title: What was measured, and what the ratios are to.
        columns: Names of the results.
        rows: Name → results; None where there is none.
    """
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("what")
    for column in columns:
        table.add_column(column, justify="right")
    for name, cells in rows.items():
        table.add_row(name, *(f"{one.value} {one.ratio:5.2f}" if one else "" for one in cells))
    Console().print(table)


def print_rows(title: str, rows: list[Row]) -> bool:
    """Print a table.

    Returns:
        Whether all targets were met.
    """
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column("target")
    for row in rows:
        verdict = {None: "", True: "met: ", False: "[red]MISSED:[/red] "}[row.met]
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.what, row.value, ratio, verdict + row.target if row.target else "")
    Console().print(table)
    return all(row.met is not False for row in rows)
