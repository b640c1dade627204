"""What the executor, the policies and the collectors know of a call."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from attrs import frozen

T = TypeVar("T")


@frozen(kw_only=True, eq=False)
class Operation(Generic[T]):
    """One call of a contract, with its arguments; T is what it returns.

    Each operation is a frozen class that validates itself when it is made. A subclass names itself
    with ``contract`` and ``name`` and says what it is about and whether it may be repeated.
    """

    contract: ClassVar[str]
    name: ClassVar[str]
    safe: ClassVar[bool] = False
    """Whether it may always be repeated; where that depends, ``idempotent`` is overridden."""

    @property
    def service(self) -> str:
        """The contract, or the provider's own service, that the call belongs to."""
        return self.contract

    @property
    def resource(self) -> str:
        """What the call is about, for messages and metrics: ``"photos/a.jpg"``."""
        return ""

    @property
    def idempotent(self) -> bool:
        """Whether carrying the call out twice has the effect of carrying it out once."""
        return self.safe

    @property
    def extra_time(self) -> float:
        """Seconds that the service may rightly take on top of the usual limit (a long poll)."""
        return 0.0

    def check(self, capabilities: Any) -> None:
        """Refuse what the provider cannot do; called before anything is sent.

        Args:
            capabilities: The contract's capabilities.

        Raises:
            UnsupportedOperationError: The provider has no such feature.
            ValidationError: An argument breaks one of the provider's limits.
            PayloadTooLargeError: A payload is larger than the provider takes.
        """


AnyOperation = Operation[Any]
"""An operation whose result does not matter here."""
