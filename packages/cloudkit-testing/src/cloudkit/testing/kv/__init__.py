"""The conformance suite of KeyValueStore."""

from cloudkit.testing.kv.behaviours import KeyValueStoreSuite
from cloudkit.testing.kv.exactness import assert_same, same
from cloudkit.testing.kv.suite import KeyValueSuite

__all__ = ["KeyValueStoreSuite", "KeyValueSuite", "assert_same", "same"]
