"""The suites themselves: nothing of them is lost or left out."""

import importlib
import pkgutil
from collections import Counter

import cloudkit.testing
import pytest
from attrs import fields
from cloudkit.common import Capabilities
from cloudkit.testing import CloudSuite, ContractSuite, ObjectStorageSuite


def _load() -> None:
    for module in pkgutil.walk_packages(cloudkit.testing.__path__, "cloudkit.testing."):
        importlib.import_module(module.name)


def _below(cls: type) -> set[type]:
    return {cls}.union(*(_below(child) for child in cls.__subclasses__()))


def _ours() -> list[type]:
    _load()
    ours = (cls for cls in _below(CloudSuite) if cls.__module__.startswith("cloudkit.testing."))
    return sorted(ours, key=lambda cls: cls.__qualname__)


def _whole_suites() -> list[type]:
    return [cls for cls in _ours() if cls.__name__.endswith("Suite")]


def test_no_suite_is_collected_by_itself():
    assert [cls for cls in _ours() if cls.__test__] == []


def test_a_subclass_is_collected_unless_it_says_otherwise():
    class Base(CloudSuite):
        __test__ = False

    class Concrete(Base):
        pass

    assert Concrete.__test__
    assert not Base.__test__


@pytest.mark.parametrize("suite", _whole_suites(), ids=lambda suite: suite.__name__)
def test_no_behaviour_hides_another(suite: type):
    names = Counter(
        name for base in suite.__mro__ for name in vars(base) if name.startswith("test_")
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("suite", [ObjectStorageSuite])
def test_every_flag_of_the_contract_has_a_refusal(suite: type[ContractSuite]):
    capabilities = getattr(Capabilities(), suite.contract_name)
    flags = {
        field.name for field in fields(type(capabilities)) if field.metadata.get("kind") == "flag"
    }
    assert set(suite.refusals) == flags
