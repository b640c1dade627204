"""Runs the operations of the contracts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from cloudkit.common import CloudError
from cloudkit.spi.operation import AnyOperation

T = TypeVar("T")
OperationT = TypeVar("OperationT", bound=AnyOperation)


class OperationRunner(ABC):
    """What a contract hands its operations to.

    ``cloudkit.core.OperationExecutor`` is the one to use. A provider passes it to the constructors
    of its contracts.
    """

    @property
    @abstractmethod
    def provider(self) -> str:
        """Name of the provider, for messages."""

    @abstractmethod
    async def run(self, operation: OperationT, hook: Callable[[OperationT], Awaitable[T]]) -> T:
        """Carry an operation out, with deadline, retries, metrics and log.

        Args:
            operation: What to do.
            hook: The provider's code for one attempt.

        Returns:
            What the hook returned.

        Raises:
            CloudError: The operation failed for good.
        """

    @abstractmethod
    def translate(self, error: Exception, operation: AnyOperation) -> Exception:
        """The CloudError that stands for a native error, with its cause set.

        An error that is not the service's doing comes back as it is.
        """

    @abstractmethod
    async def wait_to_retry(self, error: CloudError, attempt: int, operation: AnyOperation) -> bool:
        """Ask the retry policy about a failed attempt, and wait as long as it says.

        For code that carries on by itself where an attempt broke off, such as a stream that resumes.

        Args:
            error: Why the attempt failed.
            attempt: How many attempts have been made, from 1.
            operation: What was attempted.

        Returns:
            True when the next attempt is due; False when the error should go to the caller.
        """

    @abstractmethod
    def deadline(self, operation: AnyOperation) -> AbstractContextManager[None]:
        """Limit a block to the time that the operation may take.

        Args:
            operation: What the block belongs to; its ``extra_time`` is added to the limit.

        Raises:
            OperationTimeoutError: The block took longer. The limits of the caller's own scopes
                pass through as what they are.
        """
