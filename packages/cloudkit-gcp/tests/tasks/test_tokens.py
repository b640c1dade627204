"""Who may post tasks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from cloudkit.gcp.cloud_tasks import tokens
from cloudkit.gcp.cloud_tasks.tokens import TokenError, TokenVerifier
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt
from google.auth.crypt import RSASigner

AUDIENCE, ACCOUNT = "https://app.example/tasks", "pusher@tests.iam.gserviceaccount.com"


class Issuer:
    """Signs tokens, and shows its keys.

    Attributes:
        asked: How often it was asked for its keys.
    """

    def __init__(self, key_id: str = "key") -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._signer = RSASigner.from_string(private, key_id)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._keys = {key_id: public.decode()}
        self.asked = 0

    def certificates(self) -> Mapping[str, str]:
        """Its keys."""
        self.asked += 1
        return self._keys

    def token(self, **changes: Any) -> str:
        """A token that is right but for what is changed."""
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": ACCOUNT,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
            **changes,
        }
        made: bytes = jwt.encode(self._signer, claims)
        return made.decode()


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


def test_a_clock_that_is_a_little_slow_refuses_nobody(issuer: Issuer) -> None:
    verifier = TokenVerifier(AUDIENCE, ACCOUNT, issuer.certificates)
    assert verifier.verify(issuer.token(iat=int(time.time()) + 5))["email"] == ACCOUNT
    with pytest.raises(TokenError):
        verifier.verify(issuer.token(iat=int(time.time()) + 60))


@pytest.fixture(scope="module")
def stranger() -> Issuer:
    return Issuer("another")


@pytest.fixture
def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(AUDIENCE, ACCOUNT, issuer.certificates)


def test_a_token_that_is_right_says_whose_it_is(verifier: TokenVerifier, issuer: Issuer) -> None:
    assert verifier.verify(issuer.token())["email"] == ACCOUNT
    assert verifier.verify(issuer.token(iss="accounts.google.com"))["aud"] == AUDIENCE


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "https://elsewhere.example"},
        {"iss": "https://elsewhere.example"},
        {"email": "other@tests.iam.gserviceaccount.com"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"exp": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
    ],
    ids=["audience", "issuer", "account", "unverified", "text", "expired", "early"],
)
def test_a_token_with_a_wrong_claim_is_refused(
    verifier: TokenVerifier, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    with pytest.raises(TokenError) as caught:
        verifier.verify(issuer.token(**wrong))
    assert issuer.token(**wrong) not in repr(caught.value)


def test_a_token_that_somebody_else_signed_is_refused(
    verifier: TokenVerifier, stranger: Issuer
) -> None:
    with pytest.raises(TokenError):
        verifier.verify(stranger.token())


def test_a_key_of_the_same_name_does_not_help(verifier: TokenVerifier) -> None:
    with pytest.raises(TokenError):
        verifier.verify(Issuer("key").token())


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "ü.b.c"])
def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(TokenError):
        verifier.verify(token)


def test_a_token_that_was_changed_is_refused(verifier: TokenVerifier, issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    _, claims, _ = issuer.token(email_verified=True, admin=True).split(".")
    with pytest.raises(TokenError):
        verifier.verify(f"{header}.{claims}.{signature}")


def test_certificates_are_kept_and_unknown_keys_do_not_make_them_asked_for_each_time(
    stranger: Issuer,
) -> None:
    issuer = Issuer()
    verifier = TokenVerifier(AUDIENCE, ACCOUNT, issuer.certificates)
    for _ in range(3):
        verifier.verify(issuer.token())
        with pytest.raises(TokenError):
            verifier.verify(stranger.token())
    assert issuer.asked == 1


def test_certificates_that_were_good_are_kept_while_no_others_can_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer = Issuer()
    verifier = TokenVerifier(AUDIENCE, ACCOUNT, issuer.certificates)
    verifier.verify(issuer.token())
    now = time.monotonic()
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: now + 7200))

    def fail() -> Mapping[str, str]:
        raise OSError("the test broke the connection")

    monkeypatch.setattr(verifier, "_certificates", fail)
    assert verifier.verify(issuer.token())["email"] == ACCOUNT
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: now + 14400))
    with pytest.raises(OSError, match="broke"):
        verifier.verify(Issuer("unknown").token())
