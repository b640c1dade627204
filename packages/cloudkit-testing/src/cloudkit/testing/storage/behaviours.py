"""The whole conformance suite of ObjectStorage."""

from __future__ import annotations

from cloudkit.testing.common import CommonBehaviours
from cloudkit.testing.storage.buckets import BucketBehaviours
from cloudkit.testing.storage.conditions import ConditionBehaviours
from cloudkit.testing.storage.copying import CopyingBehaviours
from cloudkit.testing.storage.deleting import DeletingBehaviours
from cloudkit.testing.storage.keys import KeyBehaviours
from cloudkit.testing.storage.listing import ListingBehaviours
from cloudkit.testing.storage.metadata import MetadataBehaviours
from cloudkit.testing.storage.parts import PartBehaviours
from cloudkit.testing.storage.presigning import PresigningBehaviours
from cloudkit.testing.storage.reading import ReadingBehaviours
from cloudkit.testing.storage.transfers import TransferBehaviours
from cloudkit.testing.storage.writing import WritingBehaviours


class ObjectStorageSuite(
    BucketBehaviours,
    ReadingBehaviours,
    WritingBehaviours,
    PartBehaviours,
    ConditionBehaviours,
    MetadataBehaviours,
    KeyBehaviours,
    ListingBehaviours,
    DeletingBehaviours,
    CopyingBehaviours,
    PresigningBehaviours,
    TransferBehaviours,
    CommonBehaviours,
):
    """Subclass it and give a ``make_cloud`` fixture; see [CloudSuite][cloudkit.testing.CloudSuite]."""

    __test__ = False
