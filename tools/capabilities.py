"""Writes the tables of what each provider can do, from the code: ``hatch run capabilities``.

``--check`` writes nothing and fails when the page is out of date.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloudkit.common import ContractCapabilities, NameRule
from cloudkit.core import BaseCloud
from cloudkit.prelude import Cloud, CloudKit

PAGE = Path(__file__).parents[1] / "docs" / "content" / "capabilities.md"
TITLES = {
    "storage": "ObjectStorage",
    "kv": "KeyValueStore",
    "queue": "MessageQueue",
    "pubsub": "PubSub",
    "functions": "Functions",
}
HEAD = """\
# Capabilities

What each provider can do, and its limits. A call that needs what a provider does not have raises
`UnsupportedOperationError` before anything is sent; the same data is at hand in a program as
`cloud.capabilities`. A provider that a table leaves out does not have the contract. This page is made from the code by `hatch run capabilities`.
"""
UNITS = ((1024**4, "TiB"), (1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def _providers() -> dict[str, Cloud]:
    # Those of this repository: what else is installed is nobody else's business.
    found = [i.name for i in CloudKit.providers() if i.distribution == f"cloudkit-{i.name}"]
    first = ["local"] if "local" in found else []
    names = first + [name for name in found if name != "local"]
    return {name: CloudKit.connect(name) for name in names}


def _has(cloud: Cloud, contract: str) -> bool:
    """Whether the provider has a contract at all, or leaves it to its base, which refuses it."""
    return getattr(type(cloud), contract) is not getattr(BaseCloud, contract)


def _bytes(value: int) -> str:
    for size, unit in UNITS:
        if value >= size and value % size == 0:
            return f"{value // size:,} {unit}"
    return f"{value:,} bytes"


def _cell(kind: str, value: Any, unit: str) -> str:
    if kind == "flag":
        return "yes" if value else "**no**"
    if isinstance(value, NameRule):
        return value.description
    if value is None:
        return "no limit"
    return _bytes(value) if unit == "bytes" else f"{value:,g} {unit}"


def _table(title: str, contracts: dict[str, ContractCapabilities]) -> Iterator[str]:
    yield f"\n## {title}\n"
    yield f"| capability | {' | '.join(contracts)} | what it is |"
    yield f"| --- | {' | '.join('---' for _ in contracts)} | --- |"
    rows = {provider: found.describe() for provider, found in contracts.items()}
    first = next(iter(contracts.values()))
    for position, (name, kind, _, doc) in enumerate(first.describe()):
        unit = first.unit_of(name)
        cells = [_cell(kind, found[position][2], unit) for found in rows.values()]
        yield f"| `{name}` | {' | '.join(cells)} | {doc} |"
    for provider, found in contracts.items():
        for flag, reason in found.reasons.items():
            yield f"\n`{flag}` at {provider}: {reason}"


def page() -> str:
    """The page as it should be."""
    providers = _providers()
    lines = [HEAD.rstrip("\n")]
    for contract, title in TITLES.items():
        having = {
            name: getattr(cloud.capabilities, contract)
            for name, cloud in providers.items()
            if _has(cloud, contract)
        }
        lines += _table(title, having)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the page.

    Returns:
        The exit code: 1 when the page is checked and out of date.
    """
    parser = argparse.ArgumentParser(description="Tables of capabilities for the documentation.")
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    wanted = page()
    if parser.parse_args().check:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted
        print(f"{PAGE.name} is {'current' if current else 'out of date: hatch run capabilities'}")
        return 0 if current else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
