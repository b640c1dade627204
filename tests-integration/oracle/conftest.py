"""Oracle's doubles, and clients of them that are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from emulators.oracle import new_key, oracle, register_key
from emulators.process import Server
from oci.object_storage import ObjectStorageClient  # type: ignore[import-untyped]
from oci.object_storage.models import CreateBucketDetails  # type: ignore[import-untyped]
from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]

TENANCY = "ocid1.tenancy.oc1..tests"
USER = "ocid1.user.oc1..tester"
COMPARTMENT = "ocid1.compartment.oc1..tests"
_numbers = count(1)


@pytest.fixture(scope="session")
def oci_double() -> Iterator[Server]:
    """The doubles of Oracle's services."""
    with oracle() as server:
        yield server


@pytest.fixture(scope="session")
def config(oci_double: Server) -> dict[str, Any]:
    """Configuration of a user whose key is known."""
    private, public = new_key()
    fingerprint = register_key(oci_double.url, TENANCY, USER, public)
    return {
        "tenancy": TENANCY,
        "user": USER,
        "fingerprint": fingerprint,
        "key_content": private,
        "region": "us-ashburn-1",
    }


@pytest.fixture(scope="session")
def storage(oci_double: Server, config: dict[str, Any]) -> Any:
    """Oracle's client of Object Storage."""
    return ObjectStorageClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )


@pytest.fixture(scope="session")
def namespace(storage: Any) -> str:
    """The tenancy's namespace."""
    return str(storage.get_namespace().data)


@pytest.fixture
def bucket(storage: Any, namespace: str) -> str:
    """A new bucket."""
    name = f"bucket-{next(_numbers)}"
    storage.create_bucket(namespace, CreateBucketDetails(name=name, compartment_id=COMPARTMENT))
    return name
