"""Who may call: keys and their levels, and the sign-in that can stand before all of it."""

from __future__ import annotations

import hmac

from emulators.web import Request


class Keys:
    """The keys of an app.

    Args:
        master: Opens everything.
        host: Opens all functions.
        function: Opens one function; here it is the same for each.
        token: What App Service asks for before anything else; None when it asks for nothing.
    """

    def __init__(self, master: str, host: str, function: str, token: str | None) -> None:
        self._master = master
        self._host = host
        self._function = function
        self._token = token

    def signed_in(self, request: Request) -> bool:
        """Whether App Service lets a request through."""
        if self._token is None:
            return True
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and hmac.compare_digest(value.encode(), self._token.encode())

    def allows(self, request: Request, level: str) -> bool:
        """Whether a request may call what has this level.

        Args:
            request: With a key in a header or in its query.
            level: ``"anonymous"``, ``"function"`` or ``"admin"``.
        """
        if level == "anonymous":
            return True
        given = request.headers.get("x-functions-key") or request.param("code") or ""
        keys = [self._master, *([self._host, self._function] if level == "function" else [])]
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in keys)
