"""Acme's conformance, as its author would run it."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from acme import AcmeCloud
from cloudkit.testing import ObjectStorageSuite


class TestAcmeStorage(ObjectStorageSuite):
    native_facts = ("cause", "code", "request_id")

    @pytest.fixture
    def make_cloud(self) -> Callable[..., AcmeCloud]:
        account = uuid4().hex
        return lambda **options: AcmeCloud(account=account, **options)
