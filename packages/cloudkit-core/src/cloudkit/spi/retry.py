"""When a failed attempt is made again.

The executor asks the policy only about errors that may be retried at all: retryable ones, and for an
operation that is not idempotent only those that prove that the service did not carry it out.
"""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

from attrs import field, frozen
from cloudkit.common import (
    ClientClosedError,
    CloudError,
    ConfigurationError,
    Duration,
    MissingCredentialsError,
    RateLimitedError,
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
    seconds,
)
from cloudkit.spi.operation import AnyOperation


@frozen
class Retry:
    """Try again after a delay.

    Attributes:
        delay: Seconds to wait.
    """

    delay: float


@frozen
class Stop:
    """Give up; the error goes to the caller."""


RetryDecision: TypeAlias = Retry | Stop
STOP = Stop()


class RetryPolicy(ABC):
    """Decides about retries. One policy serves many operations at once."""

    @abstractmethod
    def decide(self, error: CloudError, attempt: int, operation: AnyOperation) -> RetryDecision:
        """What to do after a failed attempt.

        Args:
            error: Why it failed.
            attempt: How many attempts have been made, from 1.
            operation: What was attempted.
        """

    def admit(self, operation: AnyOperation) -> None:
        """Called before each attempt; may refuse it.

        Raises:
            CloudError: The attempt must not be made.
        """

    def succeeded(self, operation: AnyOperation) -> None:
        """Called after each attempt that succeeded."""

    def failed(self, error: CloudError, operation: AnyOperation) -> None:
        """Called after each attempt that failed, whether or not it may be retried."""


class NoRetry(RetryPolicy):
    """Every error goes to the caller at once."""

    def decide(self, error: CloudError, attempt: int, operation: AnyOperation) -> RetryDecision:
        """Always stop."""
        return STOP


def _check_attempts(instance: object, attribute: object, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValidationError(f"max_attempts must be a positive whole number, not {value!r}")


def _duration(value: Duration) -> float:
    return seconds(value, "the delay of a retry policy")


@frozen(kw_only=True)
class FixedDelay(RetryPolicy):
    """The same delay each time.

    Attributes:
        max_attempts: Attempts in all, the first included.
        delay: Seconds (or a timedelta) between them; the service's Retry-After when that is longer.
    """

    max_attempts: int = field(default=3, validator=_check_attempts)
    delay: float = field(default=1.0, converter=_duration)

    def decide(self, error: CloudError, attempt: int, operation: AnyOperation) -> RetryDecision:
        """Retry until the attempts are used up."""
        if attempt >= self.max_attempts:
            return STOP
        return Retry(max(self.delay, error.retry_after or 0.0))


@frozen(kw_only=True)
class ExponentialBackoff(RetryPolicy):
    """A random delay below a ceiling that doubles each time ("full jitter").

    Attributes:
        max_attempts: Attempts in all, the first included.
        base: Ceiling of the first delay, in seconds or as a timedelta.
        cap: Highest ceiling, in seconds or as a timedelta.
        random: Returns a number from 0 to 1; for tests.
    """

    max_attempts: int = field(default=4, validator=_check_attempts)
    base: float = field(default=0.1, converter=_duration)
    cap: float = field(default=20.0, converter=_duration)
    random: Callable[[], float] = field(default=random.random, repr=False, eq=False)

    def decide(self, error: CloudError, attempt: int, operation: AnyOperation) -> RetryDecision:
        """Retry until the attempts are used up; never sooner than the service's Retry-After."""
        if attempt >= self.max_attempts:
            return STOP
        ceiling = min(self.cap, self.base * 2.0 ** min(attempt - 1, 60))
        return Retry(max(ceiling * self.random(), error.retry_after or 0.0))


_NOT_OF_THE_SERVICE = (
    ClientClosedError,
    ConfigurationError,
    MissingCredentialsError,
    TlsError,
    UnsupportedOperationError,
)
"""Errors that are found before the service is asked, and say nothing of its health."""


class CircuitBreaker(RetryPolicy):
    """Stops calling a service that keeps failing, and tries it again after a while.

    The circuit is kept for each service (``operation.service``). Only failures that speak of the
    service's health count: retryable ones that are no throttling. Any other answer of the service's
    closes the circuit; what fails before the service is asked, as for want of credentials, does not.

    Args:
        policy: Decides while the circuit is closed.
        threshold: Failures in a row that open the circuit.
        recovery: Seconds (or a timedelta) until one attempt is let through again.
        clock: Monotonic seconds; for tests.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        threshold: int = 10,
        recovery: Duration = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if threshold < 1:
            raise ValidationError(f"threshold must be positive, not {threshold}")
        self._policy = policy
        self._threshold = threshold
        self._recovery = seconds(recovery, "recovery")
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._closed_again_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def admit(self, operation: AnyOperation) -> None:
        """Refuse while the circuit is open.

        Raises:
            ServiceUnavailableError: The circuit is open; ``retry_after`` says for how long.
        """
        with self._lock:
            until = self._closed_again_at.get(operation.service)
            now = self._clock()
            if until is not None and now < until:
                raise ServiceUnavailableError(
                    f"the circuit breaker is open after {self._threshold} failures in a row",
                    retry_after=until - now,
                    retryable=False,
                    unprocessed=True,
                )
            if until is not None:
                # One probe goes through; the others wait for its outcome.
                self._closed_again_at[operation.service] = now + self._recovery
        self._policy.admit(operation)

    def succeeded(self, operation: AnyOperation) -> None:
        """Close the circuit."""
        with self._lock:
            self._failures.pop(operation.service, None)
            self._closed_again_at.pop(operation.service, None)
        self._policy.succeeded(operation)

    def failed(self, error: CloudError, operation: AnyOperation) -> None:
        """Count the failure, or the success: an error of the caller's shows a healthy service."""
        self._policy.failed(error, operation)
        if isinstance(error, _NOT_OF_THE_SERVICE):
            return
        if error.retryable and not isinstance(error, RateLimitedError):
            with self._lock:
                count = self._failures.get(operation.service, 0) + 1
                self._failures[operation.service] = count
                if count >= self._threshold:
                    self._closed_again_at[operation.service] = self._clock() + self._recovery
        elif not error.retryable:
            with self._lock:
                self._failures.pop(operation.service, None)
                self._closed_again_at.pop(operation.service, None)

    def decide(self, error: CloudError, attempt: int, operation: AnyOperation) -> RetryDecision:
        """Stop when the circuit has opened, else as the inner policy says."""
        with self._lock:
            if operation.service in self._closed_again_at:
                return STOP
        return self._policy.decide(error, attempt, operation)


class RetryBudget(RetryPolicy):
    """Limits retries to a share of the traffic, so that they cannot multiply an overload.

    Each success puts ``ratio`` tokens into a bucket, each retry takes one out.

    Args:
        policy: Decides while there is budget.
        ratio: Retries for each success.
        capacity: Most tokens kept; the bucket begins full.
    """

    def __init__(self, policy: RetryPolicy, *, ratio: float = 0.1, capacity: float = 10.0) -> None:
        if ratio < 0 or capacity < 1:
            raise ValidationError("ratio must not be negative and capacity at least 1")
        self._policy = policy
        self._ratio = ratio
        self._capacity = capacity
        self._tokens = capacity
        self._lock = threading.Lock()

    def admit(self, operation: AnyOperation) -> None:
        """As the inner policy."""
        self._policy.admit(operation)

    def succeeded(self, operation: AnyOperation) -> None:
        """Earn a part of a retry."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + self._ratio)
        self._policy.succeeded(operation)

    def failed(self, error: CloudError, operation: AnyOperation) -> None:
        """As the inner policy."""
        self._policy.failed(error, operation)

    def decide(self, error: CloudError, attempt: int, operation: AnyOperation) -> RetryDecision:
        """Stop when the budget is used up, else as the inner policy says."""
        decision = self._policy.decide(error, attempt, operation)
        if isinstance(decision, Retry):
            with self._lock:
                if self._tokens < 1:
                    return STOP
                self._tokens -= 1
        return decision
