"""KeyValueStore on NoSQL Database, as its double has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cloudkit.testing.kv import KeyValueStoreSuite
from oracle.clouds import OracleClouds


class TestNosql(OracleClouds, KeyValueStoreSuite):
    """The behaviours of all providers."""

    # The suite reads a table over and over, as nobody else does.
    cloud_options: ClassVar[Mapping[str, Any]] = {
        "nosql_read_units": 5000,
        "nosql_write_units": 1000,
    }
