"""The one place where operations are run."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import anyio
from cloudkit.common import ClientClosedError, CloudError, OperationTimeoutError
from cloudkit.core.context import CloudContext
from cloudkit.core.deadline import Deadline
from cloudkit.core.reporter import Call, Reporter
from cloudkit.spi import AnyOperation, Interceptor, OperationRunner, Retry

T = TypeVar("T")
OperationT = TypeVar("OperationT", bound=AnyOperation)
Proceed = Callable[[Any], Awaitable[Any]]
Around = Callable[[AnyOperation, Proceed], Awaitable[Any]]


class OperationExecutor(OperationRunner):
    """Runs operations with deadline, retries, interceptors, metrics and log.

    The parts nest like this: metrics and log ⊃ ``around_operation`` of the interceptors ⊃ deadline ⊃
    retries ⊃ ``around_attempt`` of the interceptors ⊃ the provider's hook.

    Args:
        context: Configuration and extensions of the client.
    """

    def __init__(self, context: CloudContext[Any]) -> None:
        self._context = context
        self._retry = context.retry
        self._timeout = context.config.timeout
        self._reporter = Reporter(context.provider, context.metrics, context.logger)
        self._around_operation = _overridden("around_operation", context.interceptors)
        self._around_attempt = _overridden("around_attempt", context.interceptors)

    @property
    def provider(self) -> str:
        """Name of the provider, for messages."""
        return self._context.provider

    async def run(self, operation: OperationT, hook: Callable[[OperationT], Awaitable[T]]) -> T:
        """Carry an operation out.

        Cancellation returns at once. What the service was doing then may or may not be done.

        Args:
            operation: What to do.
            hook: The provider's code for one attempt.

        Returns:
            What the hook returned, or what an interceptor made of it.

        Raises:
            ClientClosedError: The client has been closed.
            OperationTimeoutError: The time limit passed.
            CloudError: The operation failed for good; the native error is its ``__cause__``.
        """
        call = Call(operation)
        try:
            self._check_open(operation)
            result: T
            if self._around_operation:
                carry_out = _nested(
                    self._around_operation, lambda given: self._within_deadline(given, hook, call)
                )
                result = await carry_out(operation)
            else:
                result = await self._within_deadline(operation, hook, call)
        except BaseException as error:
            self._reporter.failed(call, error)
            raise
        self._reporter.succeeded(call)
        return result

    def translate(self, error: Exception, operation: AnyOperation) -> Exception:
        """The CloudError that stands for a native error, with its cause set.

        An error that the provider's translation does not know comes back as it is.
        """
        failure: CloudError | None
        if isinstance(error, CloudError):
            failure = error
        else:
            failure = self._context.translate_error(error, operation)
            if failure is None:
                return error
            failure.__cause__ = error
        return self._complete(failure, operation)

    async def wait_to_retry(self, error: CloudError, attempt: int, operation: AnyOperation) -> bool:
        """Ask the retry policy about a failed attempt, and wait as long as it says.

        Args:
            error: Why the attempt failed.
            attempt: How many attempts have been made, from 1.
            operation: What was attempted.

        Returns:
            True when the next attempt is due. False when the error should go to the caller: the
            error speaks against a retry, the policy does, or too little time is left.
        """
        return await self._wait(error, attempt, operation) is not None

    def deadline(self, operation: AnyOperation) -> AbstractContextManager[None]:
        """Limit a block to the configured timeout and the operation's ``extra_time``.

        Args:
            operation: What the block belongs to.

        Raises:
            OperationTimeoutError: The block took longer.
        """
        if self._timeout is None:
            return nullcontext()
        return Deadline(self._timeout + operation.extra_time, operation, self._timed_out)

    async def _within_deadline(self, operation: AnyOperation, hook: Proceed, call: Call) -> Any:
        try:
            with self.deadline(operation):
                return await self._with_retries(operation, hook, call)
        except OperationTimeoutError as error:
            if error.__cause__ is None and error is not call.last_error:
                error.__cause__ = call.last_error
            raise

    async def _with_retries(self, operation: AnyOperation, hook: Proceed, call: Call) -> Any:
        carry_out = _nested(self._around_attempt, hook)
        attempt = 0  # an interceptor may have the operation carried out more than once
        while True:
            self._admit(operation, call)
            attempt += 1
            try:
                result = await carry_out(operation)
            except Exception as native:
                failure = self.translate(native, operation)
                if not isinstance(failure, CloudError):
                    raise
                self._retry.failed(failure, operation)
                waited = await self._wait(failure, attempt, operation)
                if waited is None:
                    if failure is native:
                        raise
                    raise failure from native
                call.waited += waited
                call.last_error = failure
            else:
                self._retry.succeeded(operation)
                return result

    def _admit(self, operation: AnyOperation, call: Call) -> None:
        try:
            self._retry.admit(operation)
        except CloudError as error:
            raise self._complete(error, operation) from call.last_error
        call.attempts += 1

    async def _wait(self, error: CloudError, attempt: int, operation: AnyOperation) -> float | None:
        """Seconds waited, or None to give up."""
        if not error.retryable or not (operation.idempotent or error.unprocessed):
            return None
        decision = self._retry.decide(error, attempt, operation)
        if not isinstance(decision, Retry) or _too_late(decision.delay):
            return None
        self._reporter.retrying(operation, error, attempt, decision.delay)
        await anyio.sleep(decision.delay)
        return decision.delay

    def _complete(self, error: CloudError, operation: AnyOperation) -> CloudError:
        return error.complete(
            provider=self._context.provider,
            service=operation.service,
            operation=operation.name,
            resource=operation.resource or None,
        )

    def _check_open(self, operation: AnyOperation) -> None:
        if self._context.closed:
            error = ClientClosedError("the client has been closed", hint="Make a new one.")
            raise self._complete(error, operation)

    def _timed_out(self, limit: float, operation: AnyOperation) -> CloudError:
        error = OperationTimeoutError(
            f"took longer than {limit:g} s; the service may still carry it out",
            hint="Raise the option 'timeout' if it needs longer.",
        )
        self._retry.failed(self._complete(error, operation), operation)
        return error


def _overridden(method: str, interceptors: Sequence[Interceptor]) -> tuple[Around, ...]:
    base = getattr(Interceptor, method)
    return tuple(
        getattr(interceptor, method)
        for interceptor in interceptors
        if getattr(type(interceptor), method) is not base
    )


def _nested(around: Sequence[Around], innermost: Proceed) -> Proceed:
    proceed = innermost
    for method in reversed(around):
        proceed = _link(method, proceed)
    return proceed


def _link(method: Around, proceed: Proceed) -> Proceed:
    return lambda operation: method(operation, proceed)


def _too_late(delay: float) -> bool:
    # A scope that is cancelled already has -inf; it is for the sleep to notice that.
    deadline = anyio.current_effective_deadline()
    return deadline != -math.inf and anyio.current_time() + delay >= deadline
