"""Who sends a request: the owner of the account's key, or of a token of Microsoft Entra ID."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from urllib.parse import parse_qs, unquote

from emulators.cosmos.errors import CosmosError
from emulators.web import Request, segment

SKEW = timedelta(minutes=15)


def check_signature(request: Request, key: str, token: str) -> None:
    """Refuse a request that the key has not signed, and that the token does not allow.

    Args:
        request: What to check.
        key: In base64.
        token: Allows to use items, and to read what they are in, but not to manage that.

    Raises:
        CosmosError: 401 when it is signed by another key or not at all, 403 when it is old, or
            when it is not allowed.
    """
    header = request.headers.get("authorization")
    if not header:
        raise CosmosError(401, "Required Header authorization is missing. Ensure a valid token.")
    fields = parse_qs(unquote(header).replace("+", "%2B"))
    if fields.get("type") == ["aad"]:
        _check_token(request, fields, token)
        return
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


def _check_token(request: Request, fields: Mapping[str, list[str]], token: str) -> None:
    if fields.get("sig") != [token]:
        raise CosmosError(401, "The provided Microsoft Entra token is not valid.")
    kinds = [part for part in request.path.split("/") if part][::2]
    if request.method != "GET" and kinds[-1] in {"dbs", "colls", "offers"}:
        raise CosmosError(403, f"{request.method} of {kinds[-1]} cannot be authorized.", 5300)


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
