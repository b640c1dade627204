"""The conformance suite of Functions."""

from cloudkit.testing.functions.behaviours import FunctionsSuite
from cloudkit.testing.functions.handlers import HANDLERS
from cloudkit.testing.functions.suite import FunctionsBase

__all__ = ["HANDLERS", "FunctionsBase", "FunctionsSuite"]
