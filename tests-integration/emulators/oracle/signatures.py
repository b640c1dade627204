"""Signatures of requests: draft-cavage HTTP signatures, as Oracle wants them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.oracle.errors import OracleError
from emulators.web import Request

MAX_SKEW = timedelta(minutes=5)
TARGET = "(request-target)"
_BODY_HEADERS = ("content-length", "content-type", "x-content-sha256")
_FIELD = re.compile(r'(\w+)="([^"]*)"')


class Keys:
    """The public keys of users."""

    def __init__(self) -> None:
        self._keys: dict[str, rsa.RSAPublicKey] = {}

    def register(self, tenancy: str, user: str, pem: str) -> str:
        """Let a user sign with a key.

        Args:
            tenancy: OCID.
            user: OCID.
            pem: The public key.

        Returns:
            The key's fingerprint.

        Raises:
            OracleError: It is no RSA key of 2048 bits or more.
        """
        try:
            key = serialization.load_pem_public_key(pem.encode())
        except ValueError:
            key = None
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
            raise OracleError(400, "InvalidParameter", "The key must be an RSA key in PEM format")
        fingerprint = fingerprint_of(key)
        self._keys[f"{tenancy}/{user}/{fingerprint}"] = key
        return fingerprint

    def caller(self, request: Request, *, streams_body: bool = False) -> str:
        """Who has signed a request.

        Args:
            request: What came.
            streams_body: Whether the body need not be signed: uploads of objects, messages of streams.

        Returns:
            The OCID of the user.

        Raises:
            OracleError: The signature is missing or wrong.
        """
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        fields: dict[str, str] = dict(_FIELD.findall(text))
        signed = tuple(fields.get("headers", "").lower().split())
        key = self._keys.get(fields.get("keyId", ""))
        if (
            scheme.lower() != "signature"
            or fields.get("version") != "1"
            or fields.get("algorithm") != "rsa-sha256"
            or key is None
        ):
            raise _refused()
        _check_covered(request, signed, streams_body)
        _check_date(request, signed)
        _check_digest(request, signed)
        try:
            signature = base64.b64decode(fields.get("signature", ""), validate=True)
            text = _signing_string(request, signed)
            key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error):
            raise _refused() from None
        return fields["keyId"].split("/")[1]


def fingerprint_of(key: rsa.RSAPublicKey) -> str:
    """MD5 of the key in DER, as pairs with colons."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.md5(der, usedforsecurity=False).digest().hex(":")


def _refused(
    message: str = "The required information to complete authentication was not provided or was incorrect.",
) -> OracleError:
    return OracleError(401, "NotAuthenticated", message)


def _check_covered(request: Request, signed: tuple[str, ...], streams_body: bool) -> None:
    """What must be signed: more of a request that has a body."""
    needed = {TARGET, "host"}
    if request.method in {"POST", "PUT", "PATCH"} and not streams_body:
        needed |= set(_BODY_HEADERS)
    if not needed.issubset(signed) or not {"date", "x-date"}.intersection(signed):
        raise _refused()


def _check_date(request: Request, signed: tuple[str, ...]) -> None:
    name = "x-date" if "x-date" in signed else "date"
    try:
        sent = parsedate_to_datetime(request.headers.get(name, ""))
    except ValueError:
        raise _refused() from None
    if sent.tzinfo is None or abs(datetime.now(UTC) - sent) > MAX_SKEW:
        raise _refused("Date is outside of the allowed clock skew.")


def _check_digest(request: Request, signed: tuple[str, ...]) -> None:
    """The digest of the body, whenever it is signed."""
    if "x-content-sha256" not in signed:
        return
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    length = request.headers.get("content-length")
    if request.headers.get("x-content-sha256") != digest or length != str(len(request.body)):
        raise _refused()


def _signing_string(request: Request, signed: tuple[str, ...]) -> str:
    lines = []
    for name in signed:
        if name == TARGET:
            lines.append(f"{TARGET}: {request.method.lower()} {request.target}")
        elif name in request.headers:
            lines.append(f"{name}: {request.headers[name]}")
        else:
            raise _refused()
    return "\n".join(lines)
