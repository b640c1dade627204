"""A double of Cloud Storage over real HTTP, written from the service's documentation."""

from emulators.cloud_storage.server import cloud_storage

__all__ = ["cloud_storage"]
