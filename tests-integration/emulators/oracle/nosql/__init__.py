"""NoSQL Database."""

from emulators.oracle.nosql.application import NoSql

__all__ = ["NoSql"]
