"""The conformance suite of ObjectStorage."""

from cloudkit.testing.storage.behaviours import ObjectStorageSuite
from cloudkit.testing.storage.suite import StorageSuite, empty_bucket, put_all, remove_bucket

__all__ = ["ObjectStorageSuite", "StorageSuite", "empty_bucket", "put_all", "remove_bucket"]
