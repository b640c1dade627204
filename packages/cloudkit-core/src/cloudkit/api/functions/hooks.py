"""What a provider implements for Functions."""

from __future__ import annotations

from abc import ABC, abstractmethod

from cloudkit.api.contract import Contract
from cloudkit.api.functions.models import FunctionInfo, Invocation, InvokeResult
from cloudkit.api.functions.operations import FunctionExists, Invoke, InvokeAsync, ListFunctions
from cloudkit.api.paging import Page
from cloudkit.common import FunctionsCapabilities


class FunctionsHooks(Contract[FunctionsCapabilities], ABC):
    """One hook for each operation. A hook makes one attempt and lets native errors through."""

    @abstractmethod
    async def _invoke(self, op: Invoke) -> InvokeResult:
        """Call; the function's own failure is ``error`` of the result. NotFoundError when missing."""

    @abstractmethod
    async def _invoke_async(self, op: InvokeAsync) -> Invocation:
        """Have it called; NotFoundError when missing."""

    @abstractmethod
    async def _function_exists(self, op: FunctionExists) -> bool:
        """Whether it exists."""

    @abstractmethod
    async def _list_functions(self, op: ListFunctions) -> Page[FunctionInfo]:
        """One page, by name."""
