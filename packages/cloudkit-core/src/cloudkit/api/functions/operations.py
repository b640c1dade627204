"""The operations of Functions: each validates itself when it is made."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from cloudkit.api.functions.models import FunctionInfo, Invocation, InvokeResult
from cloudkit.api.paging import Page
from cloudkit.api.validation import is_optional_count, is_optional_text, is_text, text
from cloudkit.common import FunctionsCapabilities, ValidationError
from cloudkit.spi import Operation
from cloudkit.spi.operation import T


def _to_payload(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, str):
        return text(value, "the payload", empty=True).encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise ValidationError(f"a payload is bytes or text, not {type(value).__name__}")


@frozen(kw_only=True, eq=False)
class FunctionOperation(Operation[T]):
    """Base: about a function."""

    contract = "functions"
    function: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """The function."""
        return self.function

    def check(self, capabilities: FunctionsCapabilities) -> None:
        """The name follows the provider's rule."""
        capabilities.function_name.check(self.function, "function")


@frozen(kw_only=True, eq=False)
class Invoke(FunctionOperation[InvokeResult]):
    """Call a function and wait for its answer."""

    name = "invoke"
    payload: bytes = field(default=b"", converter=_to_payload, repr=False)
    qualifier: str | None = field(default=None, validator=is_optional_text)
    logs: bool = False

    def check(self, capabilities: FunctionsCapabilities) -> None:
        """Payload and options are within what the provider can do."""
        FunctionOperation.check(self, capabilities)
        capabilities.require_size("max_payload_bytes", len(self.payload), "the payload")
        if self.qualifier is not None:
            capabilities.require("qualifiers", "a qualifier")
        if self.logs:
            capabilities.require("logs", "the log of a function")


@frozen(kw_only=True, eq=False)
class InvokeAsync(FunctionOperation[Invocation]):
    """Have a function called, and do not wait for it."""

    name = "invoke_async"
    payload: bytes = field(default=b"", converter=_to_payload, repr=False)
    qualifier: str | None = field(default=None, validator=is_optional_text)

    def check(self, capabilities: FunctionsCapabilities) -> None:
        """Payload and options are within what the provider can do."""
        FunctionOperation.check(self, capabilities)
        capabilities.require("invoke_async", "invoke_async")
        capabilities.require_size("max_async_payload_bytes", len(self.payload), "the payload")
        if self.qualifier is not None:
            capabilities.require("qualifiers", "a qualifier")


@frozen(kw_only=True, eq=False)
class FunctionExists(FunctionOperation[bool]):
    """Ask whether a function exists."""

    name = "function_exists"
    safe = True


@frozen(kw_only=True, eq=False)
class ListFunctions(Operation[Page[FunctionInfo]]):
    """One page of the functions, by name."""

    contract = "functions"
    name = "list_functions"
    safe = True
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None

    def check(self, capabilities: FunctionsCapabilities) -> None:
        """The provider can list them."""
        capabilities.require("list_functions", "list_functions")
