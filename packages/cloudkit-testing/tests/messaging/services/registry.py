"""Services with one defect each, as a provider may have it, and the behaviours that must tell.

A defect stands for a class of them: values changed on the way, a promise forgotten, a race.
"""

from __future__ import annotations

from collections.abc import Callable

MUTANTS: dict[type, tuple[str, ...]] = {}
"""Defective services, and for each the tests that fail with it."""


def caught_by(*tests: str) -> Callable[[type], type]:
    """Say which tests fail with a service, each by itself."""

    def note(service: type) -> type:
        MUTANTS[service] = tests
        return service

    return note
