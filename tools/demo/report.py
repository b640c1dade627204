"""What happened, as tables that a person can read."""

from __future__ import annotations

from cloudkit.prelude import InMemoryMetrics
from rich.console import Console
from rich.table import Table

from tools.demo.application import Outcome


def print_outcome(console: Console, outcome: Outcome, title: str) -> None:
    """The documents, and who did what.

    Args:
        console: Where to.
        outcome: What happened.
        title: Provider and event loop.
    """
    table = Table(title=title, title_justify="left", header_style="bold")
    for name, right in (("document", False), ("bytes", True), ("words", True), ("topics", False)):
        table.add_column(name, justify="right" if right else "left")
    for item in outcome.documents:
        table.add_row(
            str(item.key.sort),
            f"{item['size']:,}",
            f"{item['words']:,}",
            ", ".join(item["topics"]),
        )
    console.print(table)
    shares = ", ".join(f"{name} {count}" for name, count in sorted(outcome.handled_by.items()))
    heard = ", ".join(f"'{name}' {len(set(keys))}" for name, keys in sorted(outcome.heard.items()))
    console.print(
        f"stored {len(outcome.documents)} files, {outcome.bytes_stored:,} bytes; "
        f"handled by {shares}; {outcome.failures} handler failed on purpose and its message came "
        f"back; subscribers heard: {heard}\n"
    )


def print_metrics(console: Console, metrics: InMemoryMetrics, seconds: float) -> None:
    """How often each operation ran, and how long it took.

    Args:
        console: Where to.
        metrics: What was collected.
        seconds: How long the whole run took.
    """
    table = Table(title="operations", title_justify="left", header_style="bold")
    table.add_column("operation")
    for name in ("calls", "failed", "ms each"):
        table.add_column(name, justify="right")
    for (_, service, operation), totals in sorted(metrics):
        table.add_row(
            f"{service}.{operation}",
            str(totals.count),
            str(totals.failures or ""),
            f"{totals.duration / totals.count * 1000:.2f}",
        )
    console.print(table)
    console.print(f"{seconds:.2f} s in all\n")
