"""Acme's conformance, as its author runs it: the provider is found by its entry point."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from cloudkit.prelude import CloudKit
from cloudkit.testing import ObjectStorageSuite


class TestAcmeStorage(ObjectStorageSuite):
    native_facts = ("cause", "code", "request_id")
    short_timeout = 0.2

    @pytest.fixture
    def make_cloud(self) -> Callable[..., Any]:
        account = uuid4().hex
        return lambda **options: CloudKit.connect("acme", account=account, **options)
