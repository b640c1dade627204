"""Where the credentials for Oracle Cloud come from, in words."""

from __future__ import annotations

from pathlib import Path

from cloudkit.common import MissingCredentialsError
from cloudkit.oracle.auth import (
    DEFAULT_FILE,
    DEFAULT_PROFILE,
    NO_CREDENTIALS,
    RESOURCE_VARIABLE,
    way_to_sign_in,
)
from cloudkit.oracle.config import OracleConfig


def credential_sources(config: OracleConfig) -> dict[str, str]:
    """Where they come from when no AuthProvider was given.

    Args:
        config: The settings.

    Raises:
        MissingCredentialsError: There are none.
    """
    way = way_to_sign_in(config)
    if way == "signing":
        return {"": _signing(config)}
    if way == "profile":
        return {"": _profile(config)}
    asked = config.authentication is not None
    origin = config.origin("authentication") if asked else f"variable {RESOURCE_VARIABLE}"
    return {"": f"{way.replace('_', ' ')} ({origin})"}


def _signing(config: OracleConfig) -> str:
    if config.security_token_file is not None:
        origin = config.origin("security_token_file")
        return f"session token in {config.security_token_file} ({origin})"
    key = "key_content" if config.key_content is not None else "key_file"
    return f"API key of user {config.user} ({config.origin(key)})"


def _profile(config: OracleConfig) -> str:
    path = Path(config.config_file or DEFAULT_FILE).expanduser()
    if not path.is_file():
        raise MissingCredentialsError(f"there is no file {path}", hint=NO_CREDENTIALS)
    name = config.profile or DEFAULT_PROFILE
    origin = "" if config.profile is None else f" ({config.origin('profile')})"
    return f"profile {name} of {path}{origin}"
