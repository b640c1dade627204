"""ObjectStorage on Object Storage, as its double has it."""

from __future__ import annotations

from cloudkit.testing import ObjectStorageSuite
from oracle.clouds import OracleClouds


class TestObjectStorage(OracleClouds, ObjectStorageSuite):
    """The behaviours of all providers."""
