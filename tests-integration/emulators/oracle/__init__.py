"""Doubles of Oracle Cloud's services, with signed requests."""

from emulators.oracle.server import new_key, oracle, register_key

__all__ = ["new_key", "oracle", "register_key"]
