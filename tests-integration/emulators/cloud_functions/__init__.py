"""A double of Cloud Functions: the list of functions, and the functions behind their tokens."""

from emulators.cloud_functions.server import cloud_functions

__all__ = ["cloud_functions"]
