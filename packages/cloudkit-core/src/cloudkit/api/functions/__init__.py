"""Functions: code that runs elsewhere, by name."""

from cloudkit.api.functions.contract import Functions, Payload
from cloudkit.api.functions.hooks import FunctionsHooks
from cloudkit.api.functions.models import FunctionFault, FunctionInfo, Invocation, InvokeResult

__all__ = [
    "FunctionFault",
    "FunctionInfo",
    "Functions",
    "FunctionsHooks",
    "Invocation",
    "InvokeResult",
    "Payload",
]
