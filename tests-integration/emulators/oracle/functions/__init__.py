"""A double of Functions: applications, functions and their invocation."""

from emulators.oracle.functions.application import Functions

__all__ = ["Functions"]
