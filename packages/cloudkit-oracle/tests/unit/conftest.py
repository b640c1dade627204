"""A key of a user."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oci.signer import Signer


@pytest.fixture(scope="session")
def private_key() -> str:
    """In PEM."""
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="session")
def signer(private_key: str) -> Signer:
    """Signs with it."""
    return Signer(
        "ocid1.tenancy.oc1..a",
        "ocid1.user.oc1..a",
        ":".join(["00"] * 16),
        private_key_file_location=None,
        private_key_content=private_key,
    )
