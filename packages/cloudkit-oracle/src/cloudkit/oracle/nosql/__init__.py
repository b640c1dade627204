"""KeyValueStore on NoSQL Database."""

from cloudkit.oracle.nosql.store import NosqlKeyValueStore

__all__ = ["NosqlKeyValueStore"]
