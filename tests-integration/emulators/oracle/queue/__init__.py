"""Queue."""

from emulators.oracle.queue.application import Queue

__all__ = ["Queue"]
