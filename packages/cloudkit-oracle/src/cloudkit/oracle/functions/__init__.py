"""Functions on Oracle's Functions."""

from cloudkit.oracle.functions.functions import OracleFunctions

__all__ = ["OracleFunctions"]
