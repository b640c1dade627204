"""Object Storage."""

from emulators.oracle.object_storage.application import ObjectStorage

__all__ = ["ObjectStorage"]
