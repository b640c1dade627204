"""Whether a request comes from Cloud Tasks: by the ID token that it carries."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})
CERTIFICATES_URL = "https://www.googleapis.com/oauth2/v1/certs"
KEPT_SECONDS = 3600.0
PAUSE_SECONDS = 60.0
"""Time between two requests for certificates, whatever tokens say that they are signed by."""
CLOCK_SKEW = 10
"""Seconds that this machine's clock may differ from the issuer's. A clock that is a second slow would
otherwise refuse tokens that have just been made."""

Certificates = Callable[[], Mapping[str, str]]
"""Gives the issuer's certificates or public keys: key id → PEM. Called in a worker thread."""


_logger = logging.getLogger("cloudkit.consumer")


class TokenError(Exception):
    """A token is not one that lets its bearer in."""


@frozen
class _Kept:
    certificates: Mapping[str, str]
    read_at: float

    def is_old(self, key_id: str | None) -> bool:
        age = time.monotonic() - self.read_at
        return age > (KEPT_SECONDS if key_id in self.certificates else PAUSE_SECONDS)


class TokenVerifier:
    """Checks ID tokens of one service account for one audience. Blocks.

    Args:
        audience: Whom the tokens must be made for.
        account: Email of the service account.
        certificates: Gives the issuer's certificates; they are kept for an hour.
    """

    def __init__(self, audience: str, account: str, certificates: Certificates) -> None:
        self._audience = audience
        self._account = account
        self._certificates = certificates
        self._kept: _Kept | None = None
        self._lock = threading.Lock()

    def verify(self, token: str) -> Mapping[str, Any]:
        """What a token claims, when all is right.

        Args:
            token: As it came.

        Raises:
            TokenError: Its signature, audience, issuer, account or time is wrong.
        """
        from google.auth import jwt
        from google.auth.exceptions import GoogleAuthError

        try:
            key_id = jwt.decode_header(token).get("kid")  # type: ignore[no-untyped-call]
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token,
                certs=dict(self._known(key_id)),
                audience=self._audience,
                clock_skew_in_seconds=CLOCK_SKEW,
            )
        except (ValueError, GoogleAuthError):
            # The reason may quote the token.
            raise TokenError("the token is not valid for this application") from None
        if claims.get("iss") not in ISSUERS:
            raise TokenError("the token comes from another issuer")
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            raise TokenError("the token belongs to another account")
        return claims

    def _known(self, key_id: str | None) -> Mapping[str, str]:
        with self._lock:
            kept = self._kept
            if kept is None or kept.is_old(key_id):
                kept = self._kept = _Kept(self._read(kept, key_id), time.monotonic())
            return kept.certificates

    def _read(self, kept: _Kept | None, key_id: str | None) -> Mapping[str, str]:
        try:
            return self._certificates()
        except Exception:
            if kept is None or key_id not in kept.certificates:
                raise
            # Those that were good an hour ago are better than refusing all messages.
            _logger.warning("the certificates of the issuer cannot be had now", exc_info=True)
            return kept.certificates


def google_certificates() -> Mapping[str, str]:
    """Google's own, of those that sign ID tokens."""
    import requests

    answer = requests.get(CERTIFICATES_URL, timeout=10)
    answer.raise_for_status()
    certificates: Mapping[str, str] = answer.json()
    return certificates
