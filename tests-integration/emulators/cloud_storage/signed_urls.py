"""V4 signed URLs: the signature and its limits, from the page on canonical requests."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from emulators.cloud_storage.errors import StorageError, not_doubled
from emulators.google import Identity
from emulators.web import Request, segment

ALGORITHM = "GOOG4-RSA-SHA256"
MAX_SECONDS = 604800
CLOCK_SKEW = timedelta(minutes=15)
_CREDENTIAL = re.compile(r"(?P<email>[^/]+)/(?P<scope>(?P<date>\d{8})/[^/]+/storage/goog4_request)")
_DATE = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Claim:
    """What the query of a signed URL says.

    Attributes:
        email: Who signed.
        scope: Date, location and service.
        signed_at: When.
        seconds: For how long.
        headers: Names of the headers that are signed.
        signature: The signature.
    """

    email: str
    scope: str
    signed_at: datetime
    seconds: int
    headers: tuple[str, ...]
    signature: bytes


def is_signed(request: Request) -> bool:
    """Whether a request has a signature in its query.

    Raises:
        StorageError: One of the older kind, which the double does not check (501).
    """
    names = {name.lower() for name, _ in request.query}
    if "googleaccessid" in names:
        raise not_doubled("V2 signed URLs")
    return "x-goog-signature" in names


def check_signature(identity: Identity, request: Request) -> None:
    """Let only those pass whose URL was signed by a service account, and still holds.

    Raises:
        StorageError: 400 or 403.
    """
    claim = _claim(request)
    canonical = _canonical_request(request, claim)
    _check_time(claim)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = "\n".join([ALGORITHM, claim.signed_at.strftime(_DATE), claim.scope, digest])
    account = identity.accounts.get(claim.email)
    if account is None or not account.has_signed(claim.signature, signed.encode()):
        raise StorageError(
            403,
            "forbidden",
            "Access denied."
            if account is None
            else "The request signature we calculated does not "
            "match the signature you provided. Check your Google secret key and signing method.",
            code="AccessDenied" if account is None else "SignatureDoesNotMatch",
            details={}
            if account is None
            else {"StringToSign": signed, "CanonicalRequest": canonical},
        )
    told = request.headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD")
    if told not in {"UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest()}:
        message = "The provided 'x-goog-content-sha256' header does not match what was computed."
        raise StorageError(400, "invalid", message, code="XGoogContentSHA256Mismatch")


def _claim(request: Request) -> Claim:
    query = {name.lower(): value for name, value in request.query}
    if query.get("x-goog-algorithm") != ALGORITHM:
        raise _malformed("X-Goog-Algorithm", "The algorithm is not supported.")
    credential = _CREDENTIAL.fullmatch(query.get("x-goog-credential", ""))
    if credential is None:
        raise _malformed("X-Goog-Credential", "Credential is malformed.")
    try:
        signed_at = datetime.strptime(query.get("x-goog-date", ""), _DATE).replace(tzinfo=UTC)
    except ValueError:
        raise _malformed("X-Goog-Date", "Date is malformed.") from None
    if f"{signed_at:%Y%m%d}" != credential["date"]:
        raise _malformed("X-Goog-Credential", "The date differs from that of X-Goog-Date.")
    seconds = query.get("x-goog-expires", "")
    if not seconds.isdigit() or not 1 <= int(seconds) <= MAX_SECONDS:
        raise _malformed("X-Goog-Expires", "Expires must be from 1 to 604800 seconds.")
    try:
        signature = bytes.fromhex(query["x-goog-signature"])
    except ValueError:
        raise _malformed("X-Goog-Signature", "Signature was not hex encoded.") from None
    headers = tuple(query.get("x-goog-signedheaders", "").split(";"))
    return Claim(
        credential["email"], credential["scope"], signed_at, int(seconds), headers, signature
    )


def _canonical_request(request: Request, claim: Claim) -> str:
    if "host" not in claim.headers:
        raise _malformed("host", "The host header must be signed.")
    for name in claim.headers:
        if name not in request.headers:
            raise _malformed(name, "Header was included in signedheaders, but not in the request.")
    for name in request.headers:
        if name.startswith("x-goog-") and name not in claim.headers:
            raise _malformed(name, "Header was included in the request, but not in signedheaders.")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in request.query
        if name.lower() != "x-goog-signature"
    )
    headers = [
        f"{name}:{' '.join(request.headers[name].split())}" for name in sorted(claim.headers)
    ]
    return "\n".join(
        [
            request.method,
            quote(segment(request.path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *headers,
            "",
            ";".join(sorted(claim.headers)),
            request.headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD"),
        ]
    )


def _check_time(claim: Claim) -> None:
    now = datetime.now(UTC)
    if claim.signed_at > now + CLOCK_SKEW:
        message = "The difference between the request time and the server's time is too large."
        raise StorageError(403, "forbidden", message, code="RequestTimeTooSkewed")
    end = claim.signed_at + timedelta(seconds=claim.seconds)
    if end < now:
        details = {"Details": f"Request signature expired at: {end.isoformat()}"}
        message = "The provided token has expired."
        raise StorageError(400, "expired", message, code="ExpiredToken", details=details)


def _malformed(parameter: str, what: str) -> StorageError:
    return StorageError(
        400,
        "invalid",
        "Your request has a malformed header.",
        code="MalformedSecurityHeader",
        details={"ParameterName": parameter, "Details": what},
    )
