"""What happened, as tables that a person can read."""

from __future__ import annotations

from cloudkit.prelude import InMemoryMetrics
from rich.console import Console
from rich.table import Table

from tools.demo.application import FUNCTION, Outcome

SERVICES = {"aws": "AWS", "azure": "Azure", "gcp": "Google Cloud", "oracle": "Oracle Cloud"}
"""Provider → what people call it."""


def what_next(provider: str, *, emulated: bool) -> str:
    """What a reader may do next.

    Args:
        provider: What the demo ran on.
        emulated: Whether emulators stood for it.

    Returns:
        Some lines of text.
    """
    if provider == "local":
        others = ", ".join(SERVICES)
        return (
            f"The same on a cloud, or its emulators: hatch run demo --provider NAME ({others}).\n"
            "In a program of yours, CloudKit.local() becomes CloudKit.aws(), say: that is the one "
            "change."
        )
    service = SERVICES.get(provider, provider)
    made = f"CloudKit.{provider}()" if provider in SERVICES else f'CloudKit.connect("{provider}")'
    yours = f"In a program of yours, write {made}."
    if not emulated:
        return yours
    return (
        f"To run it on {service} itself, give credentials and --option NAME=VALUE as "
        f"docs/content/providers/{provider}.md says.\n{yours}"
    )


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
        f"back; subscribers heard: {heard}"
    )
    if not outcome.deployed:
        console.print(
            f"no function {FUNCTION} is deployed there: the texts were counted in this process "
            "instead"
        )
    console.print()


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
