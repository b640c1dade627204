"""ObjectStorage on Oracle's Object Storage."""

from cloudkit.oracle.object_storage.storage import OracleObjectStorage

__all__ = ["OracleObjectStorage"]
