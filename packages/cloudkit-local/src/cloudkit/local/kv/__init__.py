"""Documents in SQLite."""

from cloudkit.local.kv.store import LocalKeyValueStore

__all__ = ["LocalKeyValueStore"]
