"""MessageQueue on Queue."""

from cloudkit.oracle.queue.queue import OracleMessageQueue

__all__ = ["OracleMessageQueue"]
