"""ObjectStorage on Blob Storage."""

from cloudkit.azure.blob.storage import BlobObjectStorage

__all__ = ["BlobObjectStorage"]
