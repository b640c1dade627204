"""The error tree: every failure that CloudKit reports is one of these.

::

    CloudError
    ├── AuthenticationError
    │   ├── MissingCredentialsError
    │   ├── InvalidCredentialsError
    │   └── ExpiredCredentialsError
    ├── PermissionDeniedError
    ├── NotFoundError
    ├── AlreadyExistsError
    ├── PreconditionFailedError
    ├── ConflictError
    ├── ValidationError (ValueError)
    ├── PayloadTooLargeError
    ├── RateLimitedError
    ├── ServiceUnavailableError
    ├── NetworkError
    │   ├── ConnectionFailedError
    │   ├── DnsError
    │   └── TlsError
    ├── OperationTimeoutError (TimeoutError)
    ├── IntegrityError
    ├── SerializationError
    ├── UnsupportedOperationError
    ├── ConfigurationError
    │   ├── ProviderNotInstalledError
    │   └── ProviderNotFoundError
    ├── ClientClosedError
    └── ProviderError

Two facts steer the retry loop, and every error carries both:

- ``retryable``: the same call may succeed when it is made again.
- ``unprocessed``: the service certainly did not carry the request out, so that
  even an operation that is not idempotent may be sent again.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class CloudError(Exception):
    """Base of all errors raised by CloudKit.

    Args:
        message: What went wrong, in one sentence, without secrets.
        provider: Name of the provider, for example ``"aws"``.
        service: Contract or provider service, for example ``"storage"``.
        operation: Name of the operation, for example ``"get_object"``.
        resource: What the operation was about, for example ``"photos/a.jpg"``.
        code: The service's own error code.
        status: HTTP (or HTTP-like) status.
        request_id: The service's identifier of the request, for its support.
        retry_after: Seconds that the service asks the caller to wait.
        retryable: Overrides the class's default.
        unprocessed: Overrides the class's default.
        hint: What the caller can do about it.
    """

    default_retryable: ClassVar[bool] = False
    default_unprocessed: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        service: str | None = None,
        operation: str | None = None,
        resource: str | None = None,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
        unprocessed: bool | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.service = service
        self.operation = operation
        self.resource = resource
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.retryable = self.default_retryable if retryable is None else retryable
        self.unprocessed = self.default_unprocessed if unprocessed is None else unprocessed
        self.hint = hint

    def complete(self, **context: str | None) -> Self:
        """Fill in the context fields that are still unknown; returns the same error.

        Args:
            **context: Any of ``provider``, ``service``, ``operation`` and ``resource``.
        """
        for name, value in context.items():
            if getattr(self, name) is None:
                setattr(self, name, value)
        return self

    def __str__(self) -> str:
        subject = " ".join(
            part for part in (self.provider, self._dotted_operation(), self.resource) if part
        )
        facts = ", ".join(
            f"{label} {value}"
            for label, value in (
                ("code", self.code),
                ("status", self.status),
                ("request id", self.request_id),
            )
            if value is not None
        )
        text = f"{subject}: {self.message}" if subject else self.message
        if facts:
            text += f" ({facts})"
        return f"{text}. {self.hint}" if self.hint else text

    def _dotted_operation(self) -> str:
        return ".".join(part for part in (self.service, self.operation) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[CloudError], message: str, state: dict[str, Any]) -> CloudError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class AuthenticationError(CloudError):
    """The caller could not prove who it is."""


class MissingCredentialsError(AuthenticationError):
    """No credentials were found in any of the places that were looked at."""

    default_unprocessed = True


class InvalidCredentialsError(AuthenticationError):
    """The service did not accept the credentials."""

    default_unprocessed = True


class ExpiredCredentialsError(AuthenticationError):
    """The credentials were valid once and are no longer."""

    default_unprocessed = True


class PermissionDeniedError(CloudError):
    """The caller is known but may not do this."""

    default_unprocessed = True


class NotFoundError(CloudError):
    """The bucket, object, table, queue, topic or function does not exist."""


class AlreadyExistsError(CloudError):
    """Something of that name exists already."""


class PreconditionFailedError(CloudError):
    """A condition of the call did not hold, and nothing was changed."""


class ConflictError(CloudError):
    """The state of the resource, or another caller at the same time, stands in the way."""


class ValidationError(CloudError, ValueError):
    """An argument is not acceptable. Raised before anything is sent where that can be known."""

    default_unprocessed = True


class PayloadTooLargeError(CloudError):
    """The body, item or message is larger than the service accepts."""

    default_unprocessed = True


class RateLimitedError(CloudError):
    """The service throttles the caller; ``retry_after`` says for how long, when known."""

    default_retryable = True
    default_unprocessed = True


class ServiceUnavailableError(CloudError):
    """The service failed or is not available at the moment."""

    default_retryable = True


class NetworkError(CloudError):
    """The connection broke; the request may or may not have been carried out."""

    default_retryable = True


class ConnectionFailedError(NetworkError):
    """No connection could be made, so nothing was sent."""

    default_unprocessed = True


class DnsError(NetworkError):
    """The name of the endpoint could not be resolved, so nothing was sent."""

    default_unprocessed = True


class TlsError(NetworkError):
    """The secure connection could not be set up, so nothing was sent."""

    default_retryable = False
    default_unprocessed = True


class OperationTimeoutError(CloudError, TimeoutError):
    """The time limit passed; the service may still carry the request out."""

    default_retryable = True


class IntegrityError(CloudError):
    """Data does not match its checksum; nothing of it was kept."""


class SerializationError(CloudError):
    """Data could not be turned into, or read back from, its stored form."""


class UnsupportedOperationError(CloudError):
    """The provider cannot do this, and nothing was sent.

    Args:
        message: What is not supported.
        capability: The capability that says so, for example ``"queue.fifo"``.
        **context: As for [CloudError][cloudkit.common.CloudError].
    """

    default_unprocessed = True

    def __init__(self, message: str, *, capability: str | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.capability = capability


class ConfigurationError(CloudError):
    """The configuration is wrong or incomplete."""

    default_unprocessed = True


class ProviderNotInstalledError(ConfigurationError):
    """The provider is known, but its distribution is not installed."""


class ProviderNotFoundError(ConfigurationError):
    """No installed provider has this name."""


class ClientClosedError(CloudError):
    """The client was used after it had been closed."""

    default_unprocessed = True


class ProviderError(CloudError):
    """The service reported something that has no closer class here; see ``code`` and ``status``."""
