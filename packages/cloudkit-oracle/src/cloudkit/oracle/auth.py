"""Credentials of CloudKit, and of Oracle's configuration files, as what signs the SDK's requests.

The SDK signs inside the worker thread, where no coroutine can be awaited. So the order is turned
around: before a call goes to its thread, the AuthProvider is asked in the event loop, and what it
gives is left where the clients will look. Nothing ever waits for an event loop.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from cloudkit.common import (
    ConfigurationError,
    Credentials,
    MissingCredentialsError,
    SigningKeyCredentials,
    TokenCredentials,
)
from cloudkit.oracle.config import OracleConfig
from cloudkit.oracle.errors import translate

RESOURCE_VARIABLE = "OCI_RESOURCE_PRINCIPAL_VERSION"
"""Set where a program runs as a resource of Oracle Cloud, such as a function."""

DEFAULT_FILE = "~/.oci/config"
DEFAULT_PROFILE = "DEFAULT"

NO_CREDENTIALS = (
    "Run 'oci setup config', name a 'profile', give 'tenancy', 'user', 'fingerprint' and "
    "'key_file', say authentication='instance_principal', or give 'auth'."
)


@frozen
class SignIn:
    """Who signs, and what is known of them.

    Attributes:
        signer: Signs the SDK's requests.
        settings: The configuration as the SDK takes it, without the region.
        tenancy: OCID of the tenancy; None when the signer does not tell.
        region: Of the profile or of the machine; None when neither tells.
        token: The session token that it signs with, where a file has it.
        token_file: That file. Other programs renew what is in it.
    """

    signer: Any = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    tenancy: str | None
    region: str | None
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None

    @property
    def outdated(self) -> bool:
        """Whether there is another session token by now. Blocks.

        Raises:
            OSError: The file cannot be read.
        """
        return self.token_file is not None and _read_token(self.token_file) != self.token


def sign_in(config: OracleConfig, credentials: Credentials | None = None) -> SignIn:
    """Find out who signs requests. Blocks: reads files, and asks the machine who it is.

    Args:
        config: What the options and variables say.
        credentials: Of the AuthProvider, if there is one.

    Raises:
        AuthenticationError: There is nobody.
        ConfigurationError: What is given does not do.
    """
    try:
        if credentials is not None:
            return _given(config, credentials)
        return _WAYS[way_to_sign_in(config)](config)
    except (OSError, ValueError) as error:
        if translate(error) is not None:
            raise  # the connection to who makes tokens, for example
        # A variable that is missing or a file that cannot be read: the SDK says which.
        raise ConfigurationError(f"signing in is not set up: {error}") from error


def way_to_sign_in(config: OracleConfig) -> str:
    """By what requests are signed when there is no AuthProvider."""
    if config.authentication in {None, "api_key", "security_token"}:
        if config.security_token_file is not None or config.user is not None:
            return "signing"
        if config.profile is None and os.environ.get(RESOURCE_VARIABLE):
            return "resource_principal"
        return "profile"
    return str(config.authentication)


def _given(config: OracleConfig, credentials: Credentials) -> SignIn:
    if isinstance(credentials, SigningKeyCredentials):
        return _signed_in(
            {
                "tenancy": credentials.tenancy,
                "user": credentials.user,
                "fingerprint": credentials.fingerprint,
                "key_content": credentials.private_key,
                "pass_phrase": credentials.passphrase,
            }
        )
    if isinstance(credentials, TokenCredentials):
        return _token(credentials.token, _options(config))
    raise ConfigurationError(
        f"Oracle Cloud does not take {type(credentials).__name__}",
        hint="It takes SigningKeyCredentials, and TokenCredentials together with 'key_file'.",
    )


def _options(config: OracleConfig) -> dict[str, Any]:
    """What options and variables say, by the SDK's names."""
    found = {
        "tenancy": config.tenancy,
        "user": config.user,
        "fingerprint": config.fingerprint,
        "key_file": config.key_file,
        "key_content": config.key_content,
        "pass_phrase": config.passphrase,
        "security_token_file": config.security_token_file,
    }
    return {name: value for name, value in found.items() if value is not None}


def _signing(config: OracleConfig) -> SignIn:
    return _signed_in(_options(config))


def _profile(config: OracleConfig) -> SignIn:
    from oci.config import from_file  # type: ignore[import-untyped]
    from oci.exceptions import ProfileNotFound  # type: ignore[import-untyped]
    from oci.util import (  # type: ignore[import-untyped]
        AUTHENTICATION_TYPE_FIELD_NAME,
        get_signer_from_authentication_type,
    )

    path = Path(config.config_file or DEFAULT_FILE).expanduser()
    if not path.is_file():
        raise MissingCredentialsError(f"there is no file {path}", hint=NO_CREDENTIALS)
    profile = config.profile or DEFAULT_PROFILE
    try:
        settings: dict[str, Any] = from_file(str(path), profile)
    except ProfileNotFound as error:
        raise ConfigurationError(f"{path} has no profile {profile!r}") from error
    settings.update(_options(config))
    if AUTHENTICATION_TYPE_FIELD_NAME in settings:
        return _principal(get_signer_from_authentication_type(settings), settings)
    return _signed_in(settings)


def _signed_in(settings: Mapping[str, Any]) -> SignIn:
    from oci.signer import Signer  # type: ignore[import-untyped]

    if "security_token_file" in settings:
        path: str = settings["security_token_file"]
        token = _read_token(path)
        return evolve(_token(token, settings), token=token, token_file=path)
    needed = {"tenancy", "user", "fingerprint"} - settings.keys()
    if not settings.keys() & {"key_file", "key_content"}:
        needed.add("key_file")
    if needed:
        raise MissingCredentialsError(
            f"an API key needs {', '.join(sorted(needed))} too", hint=NO_CREDENTIALS
        )
    signer = Signer(
        settings["tenancy"],
        settings["user"],
        settings["fingerprint"],
        settings.get("key_file"),
        settings.get("pass_phrase"),
        settings.get("key_content"),
    )
    return SignIn(signer, settings, settings["tenancy"], settings.get("region"))


def _read_token(path: str) -> str:
    return Path(path).expanduser().read_text().strip()


def _token(token: str, settings: Mapping[str, Any]) -> SignIn:
    """Who holds a session token and the key that it was made for."""
    from oci.auth.signers import SecurityTokenSigner  # type: ignore[import-untyped]
    from oci.signer import load_private_key, load_private_key_from_file

    passphrase = settings.get("pass_phrase")
    if "key_content" in settings:
        key = load_private_key(settings["key_content"], passphrase)
    elif "key_file" in settings:
        key = load_private_key_from_file(settings["key_file"], passphrase)
    else:
        raise MissingCredentialsError("a token needs the key that it was made for: 'key_file'")
    return SignIn(
        SecurityTokenSigner(token, key), settings, settings.get("tenancy"), settings.get("region")
    )


def _instance(config: OracleConfig) -> SignIn:
    from oci.auth.signers import InstancePrincipalsSecurityTokenSigner

    return _principal(InstancePrincipalsSecurityTokenSigner(), _options(config))


def _resource(config: OracleConfig) -> SignIn:
    from oci.auth.signers import get_resource_principals_signer

    return _principal(get_resource_principals_signer(), _options(config))


def _workload(config: OracleConfig) -> SignIn:
    from oci.auth.signers import get_oke_workload_identity_resource_principal_signer

    return _principal(get_oke_workload_identity_resource_principal_signer(), _options(config))


def _principal(signer: Any, settings: Mapping[str, Any]) -> SignIn:
    """Who is known by what the program runs on."""
    return SignIn(
        signer,
        settings,
        settings.get("tenancy") or getattr(signer, "tenancy_id", None),
        settings.get("region") or getattr(signer, "region", None),
    )


_WAYS = {
    "signing": _signing,
    "profile": _profile,
    "instance_principal": _instance,
    "resource_principal": _resource,
    "oke_workload_identity": _workload,
}
