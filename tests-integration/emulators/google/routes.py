"""The token endpoint, the IAM credentials API, and how a test gets a service account."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from emulators.google import jwt
from emulators.google.errors import GoogleError
from emulators.google.identity import TOKEN_SECONDS, Account, Identity
from emulators.web import Request, Response, segment

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLOCK_SKEW_SECONDS = 300
_TOKEN_URL = "https://oauth2.googleapis.com/token"  # an address
_IAM = re.compile(r"/v1/projects/-/serviceAccounts/(?P<email>[^/:]+):(?P<method>\w+)")


def identity_routes(identity: Identity, request: Request) -> Response | None:
    """The answer to a request about accounts and tokens; None when it is about something else."""
    if request.path == "/_double/serviceAccounts" and request.method == "POST":
        return _create_account(identity, request)
    if request.path == "/token" and request.method == "POST":
        return _token(identity, request)
    if request.path == "/oauth2/v3/certs":
        return Response.of_json(identity.web_keys())
    if (match := _IAM.fullmatch(request.path)) and request.method == "POST":
        try:
            return _iam(identity, request, segment(match["email"]), match["method"])
        except GoogleError as error:
            return error.response()
    return None


def _create_account(identity: Identity, request: Request) -> Response:
    project = request.param("project") or "project"
    name = request.param("name") or "tester"
    return Response.of_json(identity.create_account(project, name, f"{request.base_url}/token"))


def _token(identity: Identity, request: Request) -> Response:
    """OAuth 2.0 for a service account: an assertion signed with its key becomes a token."""
    form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
    if form.get("grant_type") != JWT_GRANT:
        return _refusal("unsupported_grant_type", "Invalid grant_type")
    try:
        claims, account = _asserted(identity, form.get("assertion", ""))
    except jwt.InvalidTokenError as error:
        return _refusal("invalid_grant", str(error))
    # Clients say the service's own name, whatever the address of the token endpoint is.
    if claims.get("aud") not in {_TOKEN_URL, f"{request.base_url}/token"}:
        return _refusal("invalid_grant", "Invalid JWT: Failed audience check.")
    if not _in_time(claims):
        return _refusal("invalid_grant", "Invalid JWT: Token must be a short-lived token.")
    if claims.get("sub", account.email) != account.email:
        return _refusal("unauthorized_client", "Client is unauthorized to act for others.", 401)
    if audience := claims.get("target_audience"):
        return Response.of_json({"id_token": identity.issue_id_token(account, audience)})
    if not (scopes := str(claims.get("scope", "")).split()):
        return _refusal("invalid_scope", "Empty scope.")
    token = identity.issue_token(account, scopes)
    return Response.of_json(
        {"access_token": token, "expires_in": TOKEN_SECONDS - 1, "token_type": "Bearer"}
    )


def _asserted(identity: Identity, assertion: str) -> tuple[Mapping[str, Any], Account]:
    header, claims, signed, signature = jwt.decode(assertion)
    account = identity.accounts.get(claims.get("iss", ""))
    if account is None:
        raise jwt.InvalidTokenError("Invalid grant: account not found")
    key = account.keys.get(header.get("kid", ""))
    if key is None or not jwt.is_signature(signature, signed, key.public_key()):
        raise jwt.InvalidTokenError("Invalid JWT Signature.")
    return claims, account


def _in_time(claims: Mapping[str, Any]) -> bool:
    now = time.time()
    issued, expires = claims.get("iat", 0), claims.get("exp", 0)
    early = issued > now + CLOCK_SKEW_SECONDS
    return not early and now < expires <= issued + TOKEN_SECONDS + CLOCK_SKEW_SECONDS


def _refusal(error: str, description: str, status: int = 400) -> Response:
    return Response.of_json({"error": error, "error_description": description}, status)


def _iam(identity: Identity, request: Request, email: str, method: str) -> Response:
    identity.principal(request).require(["https://www.googleapis.com/auth/iam"])
    account = identity.accounts.get(email)
    if account is None:
        raise GoogleError(404, "notFound", "Not found; Gaia id not found for email " + email)
    if method not in _IAM_METHODS:
        raise GoogleError(404, "notFound", "Method not found.")
    return Response.of_json(_IAM_METHODS[method](identity, account, request.json() or {}))


def _sign_blob(_: Identity, account: Account, body: Mapping[str, Any]) -> dict[str, Any]:
    key_id, key = next(iter(account.keys.items()))
    signature = jwt.sign(base64.b64decode(body["payload"]), key)
    return {"keyId": key_id, "signedBlob": base64.b64encode(signature).decode()}


def _access_token(identity: Identity, account: Account, body: Mapping[str, Any]) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS)
    token = identity.issue_token(account, body.get("scope", []))
    return {"accessToken": token, "expireTime": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}


def _id_token(identity: Identity, account: Account, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": identity.issue_id_token(account, body["audience"])}


_IAM_METHODS: Mapping[str, Callable[[Identity, Account, Mapping[str, Any]], dict[str, Any]]] = {
    "signBlob": _sign_blob,
    "generateAccessToken": _access_token,
    "generateIdToken": _id_token,
}
