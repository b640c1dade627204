"""The table of behaviours, made from what pytest's reports carry."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

SUITE = "cloudkit_suite"
BEHAVIOUR = "cloudkit_behaviour"
RUNTIME = "cloudkit_runtime"
PROVIDER = "cloudkit_provider"
UNSUPPORTED = "cloudkit_unsupported"

FAIL, PASS, NOT_SUPPORTED, SKIP = "FAIL", "pass", "unsupported", "skip"
_WORST_FIRST = (FAIL, PASS, NOT_SUPPORTED, SKIP)


def facts(report: Any) -> dict[str, Any]:
    """What the plugin noted in a report."""
    return dict(getattr(report, "user_properties", ()))


class Table:
    """Outcomes by behaviour, provider and runtime.

    Attributes:
        behaviours: Behaviour → (provider, runtime) → outcomes of its tests.
        missing: (provider, what is missing and why) → how many tests that ended.
    """

    def __init__(self) -> None:
        self.behaviours: dict[str, dict[tuple[str, str], set[str]]] = {}
        self.missing: Counter[tuple[str, str]] = Counter()

    def add(self, report: Any) -> None:
        """Take in a report of pytest's; those of other tests are passed over."""
        noted = facts(report)
        if BEHAVIOUR not in noted:
            return
        outcome = _outcome(report, noted)
        if outcome is None:
            return
        provider = noted.get(PROVIDER, noted[SUITE])
        cells = self.behaviours.setdefault(noted[BEHAVIOUR], defaultdict(set))
        cells[provider, noted[RUNTIME]].add(outcome)
        if outcome == NOT_SUPPORTED:
            self.missing[provider, noted[UNSUPPORTED]] += 1

    def missing_lines(self) -> list[str]:
        """One line for each missing capability."""
        return [
            f"{provider}: {what} ({count} {'test' if count == 1 else 'tests'})"
            for (provider, what), count in sorted(self.missing.items())
        ]

    def lines(self) -> list[str]:
        """The table as text: a row for each behaviour, a column for each provider and runtime."""
        columns = sorted({column for cells in self.behaviours.values() for column in cells})
        heads = [" ".join(part for part in column if part) for column in columns]
        widths = [max(len(head), len(NOT_SUPPORTED)) for head in heads]
        first = max(len("behaviour"), *(len(name) for name in self.behaviours))
        rows = [["behaviour", *heads], ["-" * first, *("-" * width for width in widths)]]
        for name, cells in sorted(self.behaviours.items()):
            rows.append([name, *(_cell(cells.get(column, set())) for column in columns)])
        return ["  ".join(_padded(row, [first, *widths])).rstrip() for row in rows]


def _padded(row: list[str], widths: list[int]) -> list[str]:
    return [text.ljust(width) for text, width in zip(row, widths, strict=True)]


def _cell(outcomes: set[str]) -> str:
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), "")


def _outcome(report: Any, noted: dict[str, Any]) -> str | None:
    if report.failed:
        return FAIL
    if report.skipped:
        return NOT_SUPPORTED if UNSUPPORTED in noted else SKIP
    return PASS if report.when == "call" else None
