"""Doubles of Oracle Cloud's services: Object Storage, with signed requests."""

from emulators.oracle.server import oracle, register_key

__all__ = ["oracle", "register_key"]
