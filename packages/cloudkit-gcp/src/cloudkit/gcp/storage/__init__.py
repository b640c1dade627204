"""ObjectStorage on Cloud Storage."""

from cloudkit.gcp.storage.storage import GcsObjectStorage

__all__ = ["GcsObjectStorage"]
