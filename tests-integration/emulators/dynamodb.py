"""DynamoDB over real HTTP: moto with corrections, and dynalite as a second opinion.

Amazon's own emulator is in no registry of packages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from emulators.environments import python_of
from emulators.nodes import program_of
from emulators.process import HOST, Server, answers, serving

CORRECTED = Path(__file__).with_name("corrected") / "dynamodb.py"

_IDENTITY = "it compares lists and maps by identity, so that no two are equal"
_UTF16 = (
    "it compares texts by UTF-16 units, not by UTF-8 bytes, and takes the empty one for missing"
)
_QUERY = "test_a_query_finds_what_the_filter_describes"
_PUT = "test_a_put_happens_just_where_its_condition_holds"

DYNALITE_DEFECTS: Mapping[str, str] = {
    "test_a_condition_on_the_sort_key_selects[between]": _UTF16,
    "test_a_scan_finds_what_the_filter_describes": f"{_IDENTITY}; {_UTF16}",
    **{
        f"{_QUERY}[{operator}]": reason
        for operator, reason in {
            "equal": _IDENTITY,
            "is in": _IDENTITY,
            "path": _IDENTITY,
            "less": _UTF16,
            "less or equal": _UTF16,
            "greater": _UTF16,
            "greater or equal": _UTF16,
            "between": _UTF16,
            "contains": "contains() does not find an empty text, and compares numbers as texts",
        }.items()
    },
    f"{_PUT}[not equal]": _IDENTITY,
    f"{_PUT}[greater]": _UTF16,
    f"{_PUT}[between]": _UTF16,
}
"""Behaviours that dynalite has otherwise than the service's documentation says, and what it does."""

DYNALITE_UNSUPPORTED = (
    "kv.ttl",
    "kv.transactions",
    "kv.cross_partition_transactions",
    "kv.cross_table_transactions",
)
"""What dynalite does not have."""


@contextmanager
def corrected_moto() -> Iterator[Server]:
    """moto's server, mended where its DynamoDB is wrong; see ``corrected/dynamodb.py``."""
    python = python_of("moto")
    with serving(
        "moto's dynamodb",
        lambda port, folder: [python, CORRECTED, "-H", HOST, "-p", str(port)],
        lambda url: answers(f"{url}/moto-api/"),
    ) as server:
        yield server


@contextmanager
def dynalite() -> Iterator[Server]:
    """dynalite while the block runs."""
    program = program_of("dynalite")
    with serving(
        "dynalite",
        lambda port, folder: [
            *(program, "--host", HOST, "--port", str(port)),
            *("--createTableMs", "20", "--deleteTableMs", "20"),
        ],
        answers,
    ) as server:
        yield server
