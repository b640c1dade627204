"""Stores with one defect each, as a provider may have it, and the behaviours that must tell.

A defect stands for a class of them: values changed on the way, a promise forgotten, a race.
"""

from __future__ import annotations

from collections.abc import Callable

from .memory import MemoryStore

MUTANTS: dict[type[MemoryStore], tuple[str, ...]] = {}
"""Defective stores, and for each the tests that fail with it."""


def caught_by(*tests: str) -> Callable[[type[MemoryStore]], type[MemoryStore]]:
    """Say which tests fail with a store, each by itself."""

    def note(store: type[MemoryStore]) -> type[MemoryStore]:
        MUTANTS[store] = tests
        return store

    return note
