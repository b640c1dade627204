"""JSON web tokens with RS256, from the standard (RFC 7519)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256


class InvalidTokenError(Exception):
    """A token is malformed, or its signature is wrong."""


def encode(claims: Mapping[str, Any], key: rsa.RSAPrivateKey, key_id: str) -> str:
    """A signed token."""
    header = {"alg": "RS256", "kid": key_id, "typ": "JWT"}
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    return (signed + b"." + _encoded(sign(signed, key))).decode()


def decode(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, the bytes that are signed, and the signature. Nothing is checked.

    Raises:
        InvalidTokenError: It is malformed.
    """
    try:
        header, claims, signature = token.split(".")
        signed = f"{header}.{claims}".encode()
        return (
            json.loads(_decoded(header)),
            json.loads(_decoded(claims)),
            signed,
            _decoded(signature),
        )
    except ValueError as error:
        raise InvalidTokenError("it is not made of three parts") from error


def sign(data: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """The RSA-SHA256 signature of bytes (PKCS #1 v1.5)."""
    return key.sign(data, padding.PKCS1v15(), SHA256())


def is_signature(signature: bytes, data: bytes, key: rsa.RSAPublicKey) -> bool:
    """Whether the private half of a key made a signature of these bytes."""
    try:
        key.verify(signature, data, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def number(value: int) -> str:
    """A number of a public key, as a JSON web key has it."""
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8)).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
