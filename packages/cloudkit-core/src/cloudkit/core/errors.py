"""What providers translate the errors of services and of SDKs with: tables, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

from attrs import field, frozen
from cloudkit.common import (
    CloudError,
    ConflictError,
    ConnectionFailedError,
    DnsError,
    InvalidCredentialsError,
    NetworkError,
    NotFoundError,
    OperationTimeoutError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    ProviderError,
    RateLimitedError,
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)

Kind: TypeAlias = type[CloudError]

STATUSES: Mapping[int, Kind] = {
    304: PreconditionFailedError,
    400: ValidationError,
    401: InvalidCredentialsError,
    402: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: UnsupportedOperationError,
    408: OperationTimeoutError,
    409: ConflictError,
    410: NotFoundError,
    411: ValidationError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    416: ValidationError,
    422: ValidationError,
    429: RateLimitedError,
    431: PayloadTooLargeError,
    501: UnsupportedOperationError,
    503: ServiceUnavailableError,
}
"""What a status stands for where a service's code says nothing."""

CONNECTION: Mapping[str, tuple[Kind, str]] = {
    "NameResolutionError": (DnsError, "the name of the endpoint is not known"),
    "ProxyError": (ConnectionFailedError, "the proxy cannot be reached"),
    "NewConnectionError": (ConnectionFailedError, "no connection could be made"),
    "ConnectTimeoutError": (ConnectionFailedError, "no connection was made in time"),
    "SSLError": (TlsError, "the secure connection could not be set up"),
    "ReadTimeoutError": (OperationTimeoutError, "no answer came in time"),
    "ProtocolError": (NetworkError, "the connection broke before the answer was complete"),
}
"""Classes of urllib3, by name, the more exact ones first. They tell more than what SDKs wrap them in."""

REQUESTS: Mapping[str, tuple[Kind, str]] = {
    "ConnectTimeout": (ConnectionFailedError, "no connection was made in time"),
    "ReadTimeout": (OperationTimeoutError, "no answer came in time"),
    "RequestException": (NetworkError, "the connection failed"),
    "HTTPError": (NetworkError, "the connection failed"),
}
"""Classes of requests and urllib3 that say less."""


def _by_code(codes: Mapping[Kind, str]) -> dict[str, Kind]:
    return {code: kind for kind, words in codes.items() for code in words.split()}


def _with_common(statuses: Mapping[int, Kind]) -> dict[int, Kind]:
    return {**STATUSES, **statuses}


@frozen(kw_only=True)
class ServiceErrors:
    """What a provider's services answer, by code and then by status.

    Attributes:
        codes: Kind of error → the services' codes for it, with white space between them.
        statuses: What a status stands for other than in ``STATUSES``.
        traits: What a code says about the error beyond its class, as arguments of CloudError.
        hints: What the caller can do, by code.
        secrets: Values of credentials that services repeat in their messages.
    """

    codes: Mapping[str, Kind] = field(converter=_by_code)
    statuses: Mapping[int, Kind] = field(factory=dict, converter=_with_common)
    traits: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    hints: Mapping[str, str] = field(factory=dict)
    secrets: re.Pattern[str]

    def kind(self, status: int | None, code: str | None) -> Kind:
        """The class of error for what a service answered."""
        found = self.codes.get(code or "")
        if found is not None:
            return found
        if status is None:
            return ProviderError
        other = ServiceUnavailableError if status >= 500 else ProviderError
        return self.statuses.get(status, other)

    def error(
        self,
        status: int | None,
        code: str | None,
        message: str | None,
        *,
        kind: Kind | None = None,
        **facts: Any,
    ) -> CloudError:
        """The CloudError for what a service answered.

        Args:
            status: HTTP status; None where there is none.
            code: The service's code.
            message: The service's explanation.
            kind: The class, where code and status do not tell.
            **facts: Further arguments of CloudError; they count more than the tables.
        """
        context: dict[str, Any] = {
            "status": status,
            "code": code or None,
            "hint": self.hints.get(code or ""),
            **self.traits.get(code or "", {}),
        }
        context |= {name: value for name, value in facts.items() if value is not None}
        text = self.without_secrets(message) or "the service refused without a reason"
        return (kind or self.kind(status, code))(text, **context)

    def without_secrets(self, message: object) -> str:
        """A message in one line, with … for whatever lets somebody in."""
        return self.secrets.sub("…", " ".join(str(message or "").split()))


def _cause(error: BaseException) -> Iterable[object]:
    return (getattr(error, "reason", None), error.__cause__, *error.args)


@frozen(kw_only=True)
class NativeErrors:
    """Errors of an SDK and of its connections, by the names of their classes: nothing is imported.

    Attributes:
        packages: Top-level packages whose errors these are.
        kinds: Name of a class → kind of error, and what happened; besides ``CONNECTION``.
        hints: What the caller can do, by the name of a class.
        links: What an error was raised for, as the SDK, requests and urllib3 hand it on.
    """

    packages: frozenset[str]
    kinds: Mapping[str, tuple[Kind, str]]
    hints: Mapping[str, str] = field(factory=dict)
    links: Callable[[BaseException], Iterable[object]] = _cause

    def owns(self, error: BaseException) -> bool:
        """Whether it comes from the SDK or its connections."""
        return bool(self._names_of(error))

    def translate(self, error: BaseException) -> CloudError | None:
        """The CloudError for an error that no service has answered; None when it is not known."""
        for name in self._names(error):
            found = self.kinds.get(name) or CONNECTION.get(name)
            if found is not None:
                kind, message = found
                return kind(message, code=type(error).__name__, hint=self.hints.get(name))
        return None

    def _names(self, error: BaseException) -> Iterator[str]:
        """Names to look up: what the connection said, the error's own classes, those of its causes."""
        causes = [name for cause in self._causes(error) for name in self._names_of(cause)]
        yield from (name for name in CONNECTION if name in causes)
        yield from self._names_of(error)
        yield from causes

    def _names_of(self, error: BaseException) -> list[str]:
        return [
            kind.__name__
            for kind in type(error).__mro__
            if kind.__module__.partition(".")[0] in self.packages
        ]

    def _causes(self, error: BaseException) -> Iterator[BaseException]:
        waiting: list[BaseException] = [error]
        seen: set[int] = set()
        while waiting:
            current = waiting.pop()
            if id(current) not in seen:
                seen.add(id(current))
                yield current
                waiting += [one for one in self.links(current) if isinstance(one, BaseException)]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, by its header Retry-After; None when it asks for nothing.

    Args:
        headers: Headers of the answer.
    """
    text = headers.get("Retry-After") or headers.get("retry-after")
    if text is None:
        return None
    seconds = number(text)
    return _until(text) if seconds is None else seconds


def number(text: object) -> float | None:
    """A number that is not negative; None when it is none."""
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return None


def _until(text: str) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - utc_now()).total_seconds())
