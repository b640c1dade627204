"""Service accounts, their keys, and the tokens issued to them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.google import jwt
from emulators.google.errors import GoogleError
from emulators.web import Request

ISSUER = "https://accounts.google.com"
TOKEN_SECONDS = 3600
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


@dataclass
class Account:
    """A service account.

    Attributes:
        email: Its name.
        project: Where it lives.
        unique_id: Its number, the subject of its ID tokens.
        keys: By key id. The first is the service's own, of which nobody gets the private half.
    """

    email: str
    project: str
    unique_id: str = field(default_factory=lambda: str(10**20 + secrets.randbelow(10**20)))
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)

    def add_key(self) -> str:
        """Make a key; gives its id."""
        key_id = secrets.token_hex(20)
        self.keys[key_id] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return key_id

    def has_signed(self, signature: bytes, data: bytes) -> bool:
        """Whether one of its keys made a signature of these bytes."""
        return any(
            jwt.is_signature(signature, data, key.public_key()) for key in self.keys.values()
        )


@dataclass(frozen=True)
class Principal:
    """Who calls, and what for.

    Attributes:
        account: None for somebody anonymous.
        scopes: What the token is good for.
    """

    account: Account | None
    scopes: frozenset[str] = frozenset()

    def require(self, allowed: Collection[str]) -> None:
        """Let only those pass whose token has one of some scopes; anonymous ones always.

        Raises:
            GoogleError: The token is for something else (403).
        """
        if self.account is not None and not self.scopes & {CLOUD_PLATFORM, *allowed}:
            message = "Request had insufficient authentication scopes."
            raise GoogleError(403, "insufficientPermissions", message)


class Identity:
    """All accounts and tokens of a double.

    Args:
        anonymous: Whether calls without a token are let in, as an emulator does it.
    """

    def __init__(self, *, anonymous: bool = False) -> None:
        self._anonymous = anonymous
        self._tokens: dict[str, tuple[Principal, float]] = {}
        self._signer = Account("signer@google.com", "google")
        self._signer.add_key()
        self.accounts: dict[str, Account] = {}

    def create_account(self, project: str, name: str, token_uri: str) -> dict[str, str]:
        """A new service account, or a further key of one that is there.

        Returns:
            The key file, as the service gives it out.
        """
        email = f"{name}@{project}.iam.gserviceaccount.com"
        account = self.accounts.setdefault(email, Account(email, project))
        if not account.keys:
            account.add_key()
        key_id = account.add_key()
        private_key = account.keys[key_id].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": key_id,
            "private_key": private_key.decode(),
            "client_email": email,
            "client_id": account.unique_id,
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }

    def issue_token(self, account: Account, scopes: Collection[str]) -> str:
        """An access token."""
        token = f"ya29.{secrets.token_urlsafe(32)}"
        principal = Principal(account, frozenset(scopes))
        self._tokens[token] = (principal, time.time() + TOKEN_SECONDS)
        return token

    def issue_id_token(self, account: Account, audience: str) -> str:
        """An ID token, signed by the issuer."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "azp": account.unique_id,
            "sub": account.unique_id,
            "email": account.email,
            "email_verified": True,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        key_id, key = next(iter(self._signer.keys.items()))
        return jwt.encode(claims, key, key_id)

    def id_token_claims(self, token: str) -> dict[str, Any]:
        """What a valid ID token says.

        Raises:
            InvalidTokenError: Nobody here issued it, or it has expired.
        """
        header, claims, signed, signature = jwt.decode(token)
        key = self._signer.keys.get(header.get("kid", ""))
        if key is None or not jwt.is_signature(signature, signed, key.public_key()):
            raise jwt.InvalidTokenError("the signature is wrong")
        if claims["exp"] < time.time():
            raise jwt.InvalidTokenError("it has expired")
        return claims

    def principal(self, request: Request) -> Principal:
        """Who sends a request.

        Raises:
            GoogleError: No token, or none that was issued here (401).
        """
        header = request.headers.get("authorization", "")
        if not header:
            if self._anonymous:
                return Principal(None)
            raise _unauthenticated("required", "Anonymous caller does not have access.")
        scheme, _, token = header.partition(" ")
        principal, expires = self._tokens.get(token.strip(), (None, 0.0))
        if scheme.lower() != "bearer" or principal is None or expires < time.time():
            raise _unauthenticated("authError", "Invalid Credentials")
        return principal

    def web_keys(self) -> dict[str, Any]:
        """The issuer's public keys, as a set of JSON web keys."""
        keys = []
        for key_id, key in self._signer.keys.items():
            numbers = key.public_key().public_numbers()
            parts = {"n": jwt.number(numbers.n), "e": jwt.number(numbers.e)}
            keys.append({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": key_id, **parts})
        return {"keys": keys}


def _unauthenticated(reason: str, message: str) -> GoogleError:
    return GoogleError(401, reason, message, location="Authorization", location_type="header")
