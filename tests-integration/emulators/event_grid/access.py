"""Who sends a request: the owner of the key, of a signature made with it, or of a token."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, unquote_plus

from emulators.event_grid.errors import EventGridError, unauthorized
from emulators.web import Request

_AMERICAN = "%m/%d/%Y %I:%M:%S %p"


class Access:
    """Checks requests.

    Args:
        key: The key, in base64.
        token: A token of Entra ID that may do everything.
    """

    def __init__(self, key: str, token: str) -> None:
        self._key = key
        self._token = token

    def check_namespace(self, request: Request) -> None:
        """Of the data plane of a namespace.

        Raises:
            EventGridError: 401.
        """
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme == "SharedAccessKey":
            self._check_key(value)
        elif scheme == "SharedAccessSignature":
            self._check_signature(value, request)
        elif scheme == "Bearer":
            self._check_token(value)
        else:
            self.check_basic(request)

    def check_basic(self, request: Request) -> None:
        """Of a basic topic.

        Raises:
            EventGridError: 401.
        """
        headers = request.headers
        key = headers.get("aeg-sas-key") or request.param("aeg-sas-key")
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if key is not None:
            self._check_key(key)
        elif "aeg-sas-token" in headers:
            self._check_signature(headers["aeg-sas-token"], request)
        elif scheme == "Bearer":
            self._check_token(value)
        else:
            raise unauthorized("Request must contain an authorization header, key or signature.")

    def check_management(self, request: Request) -> None:
        """Of the resource manager, which takes tokens only.

        Raises:
            EventGridError: 401.
        """
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not _equal(value, self._token):
            raise EventGridError(401, "AuthenticationFailed", "Authentication failed.")

    def _check_key(self, key: str) -> None:
        if not _equal(key, self._key):
            raise unauthorized("The request authorization key is not authorized.")

    def _check_token(self, token: str) -> None:
        if not _equal(token, self._token):
            raise unauthorized("The token is not authorized.")

    def _check_signature(self, signature: str, request: Request) -> None:
        signed, _, given = signature.rpartition("&s=")
        digest = hmac.new(base64.b64decode(self._key), signed.encode(), sha256).digest()
        if not _equal(unquote_plus(given), base64.b64encode(digest).decode()):
            raise unauthorized("The signature is not that of the key.")
        fields = dict(parse_qsl(signed))
        if _moment(fields.get("e", "")) <= datetime.now(UTC):
            raise unauthorized("The signature has expired.")
        resource = fields.get("r", "").partition("?")[0].rstrip("/")
        url = f"{request.base_url}{request.path.partition(':')[0]}"
        if url != resource and not url.startswith(f"{resource}/"):
            raise unauthorized("The signature is for another resource.")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        pass  # it may be written as Americans do, as the service's own examples are
    else:
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    try:
        return datetime.strptime(text, _AMERICAN).replace(tzinfo=UTC)
    except ValueError as error:
        raise unauthorized("The signature says no time of its end.") from error


def _equal(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
