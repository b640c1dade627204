"""All behaviours of KeyValueStore, in one class."""

from __future__ import annotations

from cloudkit.testing.common import CommonBehaviours
from cloudkit.testing.kv.batches import BatchBehaviours
from cloudkit.testing.kv.conditions import ConditionBehaviours
from cloudkit.testing.kv.expiry import ExpiryBehaviours
from cloudkit.testing.kv.keys import KeyBehaviours
from cloudkit.testing.kv.paging import PagingBehaviours
from cloudkit.testing.kv.queries import QueryBehaviours
from cloudkit.testing.kv.randomness import RandomConditionBehaviours
from cloudkit.testing.kv.tables import TableBehaviours
from cloudkit.testing.kv.transactions import TransactionBehaviours
from cloudkit.testing.kv.updates import UpdateBehaviours
from cloudkit.testing.kv.values import ValueBehaviours
from cloudkit.testing.kv.versions import VersionBehaviours


class KeyValueStoreSuite(
    TableBehaviours,
    ValueBehaviours,
    KeyBehaviours,
    VersionBehaviours,
    ConditionBehaviours,
    RandomConditionBehaviours,
    UpdateBehaviours,
    QueryBehaviours,
    PagingBehaviours,
    BatchBehaviours,
    TransactionBehaviours,
    ExpiryBehaviours,
    CommonBehaviours,
):
    """The suite for KeyValueStore; subclass it and give the fixture ``make_cloud``.

    ::

        class TestAcmeStore(KeyValueStoreSuite):
            @pytest.fixture
            def make_cloud(self):
                return lambda **options: AcmeCloud("https://acme.test", **options)
    """

    __test__ = False
