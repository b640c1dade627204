"""Conformance suites for CloudKit's contracts, and fault injection, as a pytest plugin."""

from pkgutil import iter_modules

import pytest

# The suites' assertions explain themselves only when pytest rewrites them as they are imported. This
# package itself is imported already: naming it would be a warning in every run.
pytest.register_assert_rewrite(*(name for _, name, _ in iter_modules(__path__, f"{__name__}.")))

from cloudkit.testing.cleanup import Cleanup  # noqa: E402
from cloudkit.testing.common import CommonBehaviours, ContractSuite, Workbench  # noqa: E402
from cloudkit.testing.endpoint import (  # noqa: E402
    FlakyEndpoint,
    LinkFault,
    closed_port,
    flaky_endpoint,
)
from cloudkit.testing.faults import Faults  # noqa: E402
from cloudkit.testing.functions import FunctionsSuite  # noqa: E402
from cloudkit.testing.kv import KeyValueStoreSuite  # noqa: E402
from cloudkit.testing.outcome import Unsupported, behaviour, require, unsupported  # noqa: E402
from cloudkit.testing.pubsub import PubSubSuite  # noqa: E402
from cloudkit.testing.queue import MessageQueueSuite  # noqa: E402
from cloudkit.testing.storage import ObjectStorageSuite  # noqa: E402
from cloudkit.testing.suite import CloudSuite, MakeCloud, Refusal  # noqa: E402
from cloudkit.testing.waiting import eventually  # noqa: E402

__all__ = [
    "Cleanup",
    "CloudSuite",
    "CommonBehaviours",
    "ContractSuite",
    "Faults",
    "FlakyEndpoint",
    "FunctionsSuite",
    "KeyValueStoreSuite",
    "LinkFault",
    "MakeCloud",
    "MessageQueueSuite",
    "ObjectStorageSuite",
    "PubSubSuite",
    "Refusal",
    "Unsupported",
    "Workbench",
    "behaviour",
    "closed_port",
    "eventually",
    "flaky_endpoint",
    "require",
    "unsupported",
]
