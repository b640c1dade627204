"""The outcome of one item of a batch call."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar, cast

from attrs import frozen
from cloudkit.common.errors import CloudError

T = TypeVar("T")


@frozen
class CloudResult(Generic[T]):
    """Either a value or the error that stands in its place.

    Attributes:
        error: Why the item failed, or None.
    """

    _value: T | None
    error: CloudError | None = None

    def __bool__(self) -> NoReturn:
        # It would be true for a failure as well, and all(results) with it.
        raise TypeError("a result has no truth value; ask result.ok")

    @classmethod
    def success(cls, value: T) -> CloudResult[T]:
        """A result that holds a value."""
        return cls(value)

    @classmethod
    def failure(cls, error: CloudError) -> CloudResult[T]:
        """A result that holds an error."""
        return cls(None, error)

    @property
    def ok(self) -> bool:
        """Whether the item succeeded."""
        return self.error is None

    @property
    def value(self) -> T:
        """The value of an item that succeeded.

        Raises:
            CloudError: The item's own error, when it failed.
        """
        if self.error is not None:
            raise self.error
        return cast("T", self._value)

    def value_or(self, default: T) -> T:
        """The value, or ``default`` when the item failed."""
        return default if self.error is not None else cast("T", self._value)
