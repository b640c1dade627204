"""The signature of a request by the account's key."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from urllib.parse import parse_qs, unquote

from emulators.cosmos.errors import CosmosError
from emulators.web import Request, segment

SKEW = timedelta(minutes=15)


def check_signature(request: Request, key: str) -> None:
    """Refuse a request that the key has not signed.

    Args:
        request: What to check.
        key: In base64.

    Raises:
        CosmosError: 401 when it is signed by another key or not at all, 403 when it is old.
    """
    header = request.headers.get("authorization")
    if not header:
        raise CosmosError(401, "Required Header authorization is missing. Ensure a valid token.")
    fields = parse_qs(unquote(header).replace("+", "%2B"))
    if fields.get("type") != ["master"] or fields.get("ver") != ["1.0"]:
        raise CosmosError(401, "Authorization header doesn't confirm to the required format.")
    payload = _payload(request)
    digest = hmac.new(base64.b64decode(key), payload.encode(), sha256).digest()
    signature = base64.b64encode(digest).decode()
    if not hmac.compare_digest(signature.encode(), fields.get("sig", [""])[0].encode()):
        raise CosmosError(
            401,
            "The input authorization token can't serve the request. The wrong key is being used or "
            "the expected payload is not built as per the protocol. Server used the following "
            f"payload to sign: {payload!r}",
        )
    _check_date(request)


def _payload(request: Request) -> str:
    parts = [segment(part) for part in request.path.strip("/").split("/") if part]
    if len(parts) % 2:
        kind, link = parts[-1], "/".join(parts[:-1])
    else:
        kind, link = (parts[-2] if parts else ""), "/".join(parts)
    if kind == "offers":
        link = parts[1].lower() if len(parts) > 1 else ""
    date = request.headers.get("x-ms-date", "").lower()
    plain_date = request.headers.get("date", "").lower()
    return f"{request.method.lower()}\n{kind.lower()}\n{link}\n{date}\n{plain_date}\n"


def _check_date(request: Request) -> None:
    text = request.headers.get("x-ms-date") or request.headers.get("date", "")
    try:
        date = parsedate_to_datetime(text)
    except ValueError as error:
        raise CosmosError(401, f"The date {text!r} is not valid.") from error
    if abs(datetime.now(UTC) - date) > SKEW:
        raise CosmosError(
            403, "The authorization token is not valid at the current time. Please create another."
        )
