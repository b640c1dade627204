"""How a behaviour says what it needs, and how it is reported where that is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import pytest
from _pytest.outcomes import Skipped

MARK = "cloudkit_behaviour"
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class Unsupported(Skipped):
    """Raised in a test: the provider cannot do what the behaviour is about.

    It is a skip to everything that knows nothing of it (JUnit files, other plugins), and a category
    of its own, "unsupported", in the terminal.

    Args:
        capability: What is missing: ``"storage.conditional_put"``, or a fixture.
        reason: Why, in words for whoever reads the report.
    """

    def __init__(self, capability: str, reason: str) -> None:
        super().__init__(f"unsupported: {capability}: {reason}", _use_item_location=True)
        self.capability = capability
        self.reason = reason


def unsupported(capability: str, reason: str) -> NoReturn:
    """End the running test as unsupported.

    Args:
        capability: What is missing.
        reason: Why.

    Raises:
        Unsupported: Always.
    """
    raise Unsupported(capability, reason)


def behaviour(*flags: str) -> Callable[[FunctionT], FunctionT]:
    """Mark a test with the capabilities that it needs.

    Args:
        *flags: Each as ``"contract.flag"``, for example ``"storage.presigned_put"``; a flag alone is
            one of the suite's contract.
    """
    mark = pytest.mark.cloudkit_behaviour(flags)

    def decorate(function: FunctionT) -> FunctionT:
        mark(function)  # marks it in place
        return function

    return decorate


def require(capabilities: Any, *flags: str) -> None:
    """End the running test as unsupported unless the provider has all of some capabilities.

    Args:
        capabilities: Of the provider, all contracts.
        *flags: Each as ``"contract.flag"``.

    Raises:
        Unsupported: One of the flags says no.
    """
    for flag in flags:
        contract, _, name = flag.partition(".")
        its = getattr(capabilities, contract)
        if not getattr(its, name):
            unsupported(flag, its.reasons.get(name) or "the provider's capabilities say no")
