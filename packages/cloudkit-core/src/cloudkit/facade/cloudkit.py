"""``CloudKit``: makes clouds by name, by URL or from a profile."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, ClassVar

from cloudkit.common import ConfigurationError, load_profile
from cloudkit.core import ProviderInfo, installed_providers, load_provider
from cloudkit.facade.installed import Installed

if TYPE_CHECKING:
    # Which of these are installed is up to the user; all three codes are needed for that.
    from cloudkit.api.cloud import Cloud
    from cloudkit.aws import AwsCloud  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from cloudkit.azure import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        AzureCloud,
    )
    from cloudkit.gcp import GcpCloud  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from cloudkit.local import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        LocalCloud,
    )
    from cloudkit.oracle import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        OracleCloud,
    )

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+._-]*):(//)?")


class CloudKit:
    """Makes clouds.

    ``CloudKit.aws(...)``, ``.azure``, ``.gcp``, ``.oracle`` and ``.local`` take the options of the
    provider as keyword arguments and return its own class, so that type checkers know both. Without
    the provider's distribution they raise ProviderNotInstalledError, which says what to install.
    """

    aws: ClassVar[Installed[AwsCloud]] = Installed("aws")
    azure: ClassVar[Installed[AzureCloud]] = Installed("azure")
    gcp: ClassVar[Installed[GcpCloud]] = Installed("gcp")
    oracle: ClassVar[Installed[OracleCloud]] = Installed("oracle")
    local: ClassVar[Installed[LocalCloud]] = Installed("local")

    @staticmethod
    def connect(name_or_url: str, **options: Any) -> Cloud:
        """A cloud by the name of its provider, or by a URL.

        Args:
            name_or_url: ``"azure"``, ``"aws://eu-west-1"``, ``"local:///srv/demo?timeout=5"``. Any
                provider that is installed may be named, also one made by somebody else.
            **options: Options of that provider; they come before those of the URL.

        Raises:
            ProviderNotInstalledError: The provider is not installed.
            ProviderNotFoundError: Nothing of that name is known.
            ConfigurationError: The URL or an option is wrong.
        """
        scheme = _SCHEME.match(name_or_url)
        if scheme is None:
            return _make(name_or_url, options)
        name = scheme[1].lower()
        kind = load_provider(name)
        if scheme[2] is None:
            raise ConfigurationError(
                f"what begins with '{name}:' is neither a name nor a URL",
                hint=f"Write {name!r} or '{name}://...'.",
            )
        return _make(name, {**kind.options_from_url(name_or_url), **options})

    @staticmethod
    def from_profile(
        name: str | None = None,
        path: str | os.PathLike[str] | None = None,
        **overrides: Any,
    ) -> Cloud:
        """A cloud from a profile in a ``cloudkit.toml``.

        Args:
            name: Name of the profile; ``CLOUD_PROFILE`` or ``"default"`` when None.
            path: The file; when None, the one that ``CLOUD_CONFIG_FILE`` names, or the nearest
                ``cloudkit.toml`` of this directory, its parents and the user's configuration.
            **overrides: Options that come before those of the profile.

        Raises:
            ProviderNotInstalledError: The profile's provider is not installed.
            ConfigurationError: The file, the profile or an option is missing or wrong.
        """
        profile = load_profile(name, path)
        return _make(profile.provider, {**profile.options, **overrides})

    @staticmethod
    def providers() -> list[ProviderInfo]:
        """The providers that are installed, by name. None of them is imported."""
        return installed_providers()


def _make(name: str, options: dict[str, Any]) -> Cloud:
    return load_provider(name)(**options)
