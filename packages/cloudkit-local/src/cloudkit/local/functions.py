"""Functions: Python callables by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias, TypeVar

from cloudkit.api.functions import FunctionInfo, Functions, Invocation, InvokeResult
from cloudkit.api.functions.operations import FunctionExists, Invoke, InvokeAsync, ListFunctions
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.common import (
    CloudError,
    ConfigurationError,
    FunctionsCapabilities,
    NotFoundError,
    ValidationError,
)
from cloudkit.core import WorkerThreads
from cloudkit.local.calls import Calls
from cloudkit.local.capture import captured_log
from cloudkit.local.database import Database
from cloudkit.local.invocation import Outcome, call
from cloudkit.local.messaging import new_id
from cloudkit.spi import OperationRunner

Function: TypeAlias = Callable[[bytes], Any]
FunctionT = TypeVar("FunctionT", bound=Function)

_LISTING = ("functions",)
_PAGE_SIZE = 1000


class LocalFunctions(Functions):
    """Functions of this process: registered here, or named by the option ``functions``.

    A function takes the payload as bytes. A plain one runs in a thread, an async one in the event
    loop, where cancelling the call cancels it; it counts as failed when it raises. It may return
    bytes, a text, None for nothing, or a value for JSON.

    ``invoke_async`` writes the call down before it returns, and a background task makes it: at
    least once, at most ten of one function at the same time, up to three attempts when it fails.
    Calls that are left when a process ends are made by the next one that has the function and uses
    ``functions``; in memory they are gone.

    Args:
        runner: Runs the operations.
        capabilities: Limits.
        database: Where calls wait.
        threads: Where plain functions run; theirs alone, as one that goes on after its caller has given
            up keeps its thread. Closed with the contract.
        functions: Name → callable, or ``"module:callable"`` to import when it is first invoked.
        translate: Turns errors of SQLite into CloudErrors.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: FunctionsCapabilities,
        database: Database,
        threads: WorkerThreads,
        functions: Mapping[str, str | Function],
        translate: Callable[[Exception], CloudError | None],
    ) -> None:
        super().__init__(runner, capabilities)
        self._threads = threads
        self._functions: dict[str, str | Function] = {}
        self._calls = Calls(database, translate, self._functions.__contains__, self._call)
        for name, target in functions.items():
            self._add(name, target)

    # Registering

    def register(self, name: str, function: Function) -> None:
        """Add a function, or put it in the place of the one of this name.

        Args:
            name: What it is invoked by.
            function: Takes the payload; async or not.

        Raises:
            ValidationError: The name is not allowed, or it is no function.
        """
        if not callable(function):
            raise ValidationError(f"a function must be callable, not {function!r}")
        self._add(name, function)

    def function(self, name: str) -> Callable[[FunctionT], FunctionT]:
        """``register`` as a decorator.

        ::

            @cloud.functions.function("shout")
            def shout(payload: bytes) -> bytes:
                return payload.upper()
        """

        def decorate(function: FunctionT) -> FunctionT:
            self.register(name, function)
            return function

        return decorate

    def _add(self, name: str, target: str | Function) -> None:
        self.capabilities.function_name.check(name, "function")
        self._functions[name] = target
        self._calls.expect_others()

    async def aclose(self) -> None:
        """Stop making calls. Those under way get some seconds; the rest waits for the next process."""
        await self._calls.aclose()
        self._threads.close()

    # Hooks

    async def _invoke(self, op: Invoke) -> InvokeResult:
        await self._calls.take_up()
        await self._load(op.function)
        with captured_log(op.logs) as log:
            outcome = await self._call(op.function, op.payload)
        return InvokeResult(
            payload=outcome.payload,
            error=outcome.fault,
            request_id=new_id(),
            logs=None if log is None else log.tail(),
        )

    async def _invoke_async(self, op: InvokeAsync) -> Invocation:
        await self._calls.take_up()
        self._target(op.function)
        return Invocation(request_id=await self._calls.add(op.function, op.payload))

    async def _function_exists(self, op: FunctionExists) -> bool:
        await self._calls.take_up()
        return op.function in self._functions

    async def _list_functions(self, op: ListFunctions) -> Page[FunctionInfo]:
        await self._calls.take_up()
        after = "" if op.page_token is None else read_token(op.page_token, _LISTING)[0]
        size = min(op.page_size or _PAGE_SIZE, _PAGE_SIZE)
        names = sorted(name for name in self._functions if name > after)
        page = [FunctionInfo(name=name, runtime="python") for name in names[:size]]
        return Page(page, make_token(_LISTING, (names[size - 1],)) if len(names) > size else None)

    # Calling

    async def _call(self, name: str, payload: bytes) -> Outcome:
        function = await self._load(name)
        return await call(function, payload, self._threads, self.capabilities.max_payload_bytes)

    def _target(self, name: str) -> str | Function:
        try:
            return self._functions[name]
        except KeyError:
            raise NotFoundError(
                f"there is no function {name!r}",
                resource=name,
                hint="Add it with functions.register, or with the option functions.",
            ) from None

    async def _load(self, name: str) -> Function:
        target = self._target(name)
        if isinstance(target, str):
            target = await self._threads.run(_import, name, target)
            self._functions[name] = target
        return target


def _import(name: str, reference: str) -> Function:
    module, _, path = reference.partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise ConfigurationError(
            f"the function {name!r} cannot be loaded from {reference!r}: {error!r}",
            hint="Correct the option functions: name=module:callable.",
        ) from error
    if not callable(found):
        raise ConfigurationError(f"the function {name!r}: {reference!r} is not callable")
    return found  # type: ignore[no-any-return]  # what was found was looked up by name
