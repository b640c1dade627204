"""How the command ends: an exit code, and one line that says why."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes. Scripts rely on them: a number never changes its meaning."""

    OK = 0
    """Everything was done."""
    FAILED = 1
    """The service failed, or several things failed in different ways."""
    USAGE = 2
    """The command line, an argument or the configuration is wrong; nothing was sent."""
    NOT_FOUND = 3
    """The bucket, object, table, item, queue, topic, function or file does not exist."""
    DENIED = 4
    """Credentials are missing, wrong or expired, or do not allow this."""
    CONFLICT = 5
    """It exists already, a condition does not hold, or another writer was in the way."""
    NOT_INSTALLED = 6
    """The provider is not installed, or nobody knows it."""
    UNSUPPORTED = 7
    """The provider cannot do this."""
    UNREACHABLE = 8
    """No answer, too many requests or not available: the same may work later."""
    FUNCTION_FAILED = 9
    """The function was invoked, and failed."""
    INTERRUPTED = 130
    """Ctrl-C. What was under way was cleaned up."""
    BROKEN_PIPE = 141
    """Who read the output has gone."""
    TERMINATED = 143
    """SIGTERM. What was under way was cleaned up."""


class SignalError(Exception):
    """A signal ended the command, in good order.

    Args:
        signal: Its number.
    """

    def __init__(self, signal: int) -> None:
        super().__init__(f"interrupted by signal {signal}")
        self.exit = Exit(128 + signal)


class ReportedError(Exception):
    """The command failed, and has said so already.

    Args:
        code: How it ends.
    """

    def __init__(self, code: Exit) -> None:
        super().__init__(f"ends with {code.name}")
        self.exit = code


_BY_NAME: tuple[tuple[str, Exit], ...] = (
    # The first that the error is an instance of counts, so the special ones stand before their bases.
    ("ProviderNotInstalledError", Exit.NOT_INSTALLED),
    ("ProviderNotFoundError", Exit.NOT_INSTALLED),
    ("ConfigurationError", Exit.USAGE),
    ("ValidationError", Exit.USAGE),
    ("PayloadTooLargeError", Exit.USAGE),
    ("UnsupportedOperationError", Exit.UNSUPPORTED),
    ("NotFoundError", Exit.NOT_FOUND),
    ("AuthenticationError", Exit.DENIED),
    ("PermissionDeniedError", Exit.DENIED),
    ("AlreadyExistsError", Exit.CONFLICT),
    ("PreconditionFailedError", Exit.CONFLICT),
    ("ConflictError", Exit.CONFLICT),
    ("NetworkError", Exit.UNREACHABLE),
    ("OperationTimeoutError", Exit.UNREACHABLE),
    ("RateLimitedError", Exit.UNREACHABLE),
    ("ServiceUnavailableError", Exit.UNREACHABLE),
)


def exit_of(error: BaseException) -> Exit:
    """The exit code for an error."""
    names = {
        kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("cloudkit.")
    }
    for name, code in _BY_NAME:
        if name in names:
            return code
    if "ClickException" in {kind.__name__ for kind in type(error).__mro__}:
        return Exit.USAGE
    if isinstance(error, FileNotFoundError):
        return Exit.NOT_FOUND
    if isinstance(error, PermissionError):
        return Exit.DENIED
    return Exit.FAILED


def exit_of_all(errors: list[Exception]) -> Exit:
    """The exit code for several errors: theirs when they have the same, else FAILED."""
    codes = {exit_of(error) for error in errors}
    if not codes:
        return Exit.OK
    return codes.pop() if len(codes) == 1 else Exit.FAILED


_COMMANDS = {
    "create_bucket": "cloudkit mb",
    "create_queue": "cloudkit queue create",
    "create_table": "cloudkit kv create",
    "create_topic": "cloudkit topic create",
    "create_subscription": "cloudkit topic create",
}
"""Methods that hints name → what does the same here."""
_METHOD = re.compile(r"\b(create_[a-z]+)\b(?:\(\.\.\., (\w+)=True\))?")


def hint_of(error: BaseException) -> str | None:
    """What to do about it, said to somebody at a shell; None where nothing is known."""
    hint = getattr(error, "hint", None)
    return None if hint is None else _METHOD.sub(_as_command, str(hint))


def _as_command(found: re.Match[str]) -> str:
    command = _COMMANDS.get(found[1])
    if command is None:
        return found[0]
    return f"'{command} --{found[2]}'" if found[2] else f"'{command}'"


def sentence(error: BaseException) -> str:
    """What happened and what to do about it, in one line."""
    text, hint = str(error), getattr(error, "hint", None)
    if hint is not None:
        text = text.removesuffix(str(hint)) + str(hint_of(error))
    if isinstance(error, OSError) and error.strerror and not hasattr(error, "hint"):
        where = f"{error.filename}: " if error.filename is not None else ""
        text = f"{where}{error.strerror}"
    return " ".join((text or type(error).__name__).split())


def facts(error: BaseException) -> dict[str, Any]:
    """An error as ``--json`` shows it."""
    found: dict[str, Any] = {
        "error": type(error).__name__,
        "message": " ".join(str(getattr(error, "message", "") or sentence(error)).split()),
        "exit": int(exit_of(error)),
    }
    hint = hint_of(error)
    if hint is not None:
        found["hint"] = hint
    names = ("provider", "service", "operation", "resource", "code", "status", "request_id")
    for name in names:
        value = getattr(error, name, None)
        if value is not None:
            found[name] = value
    return found
