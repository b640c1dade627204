"""Finds the providers that are installed, without importing them."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen
from cloudkit.common import (
    ConfigurationError,
    ProviderNotFoundError,
    ProviderNotInstalledError,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from cloudkit.api.cloud import Cloud

ENTRY_POINT_GROUP = "cloudkit.providers"


class ProviderType(StrEnum):
    """The providers that belong to CloudKit; each is a distribution ``cloudkit-NAME``."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"
    ORACLE = "oracle"
    LOCAL = "local"

    @property
    def distribution(self) -> str:
        """What to install for it."""
        return f"cloudkit-{self.value}"


@frozen
class ProviderInfo:
    """A provider that is installed.

    Attributes:
        name: What ``CloudKit.connect`` takes.
        distribution: What it was installed with.
        version: Version of that distribution.
    """

    name: str
    distribution: str
    version: str


_loaded: dict[str, type[Cloud]] = {}


def installed_providers() -> list[ProviderInfo]:
    """All providers that are installed, by name; none is imported."""
    found = [
        ProviderInfo(
            entry.name, *((entry.dist.name, entry.dist.version) if entry.dist else ("", ""))
        )
        for entry in _entry_points()
    ]
    return sorted(found, key=lambda info: (info.name, info.distribution))


def load_provider(name: str) -> type[Cloud]:
    """Import a provider.

    Args:
        name: Its name: one of ``ProviderType``, or that of a provider made by somebody else.

    Returns:
        The provider's class, a subclass of Cloud.

    Raises:
        ProviderNotInstalledError: CloudKit has such a provider, but it is not installed.
        ProviderNotFoundError: Nothing of that name is known.
        ConfigurationError: The provider cannot be imported, or two have this name.
    """
    if name not in _loaded:
        _loaded[name] = _import(_entry_point(name))
    return _loaded[name]


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points  # takes longer than all of CloudKit's core

    return list(entry_points(group=ENTRY_POINT_GROUP))


def _entry_point(name: str) -> EntryPoint:
    everything = _entry_points()
    found = [entry for entry in everything if entry.name == name]
    if len(found) > 1:
        owners = " and ".join(sorted(_distribution(entry) for entry in found))
        raise ConfigurationError(
            f"the provider name {name!r} is claimed by {owners}", hint="Uninstall one of them."
        )
    if not found:
        raise _not_found(name, sorted({entry.name for entry in everything}))
    return found[0]


def _not_found(name: str, installed: list[str]) -> ConfigurationError:
    known = {member.value: member for member in ProviderType}
    if name in known:
        return ProviderNotInstalledError(
            f"the provider {name!r} is not installed",
            hint=f"Run: pip install {known[name].distribution}",
        )
    close = difflib.get_close_matches(name, {*known, *installed}, n=1)
    advice = f"Did you mean {close[0]!r}? " if close else ""
    return ProviderNotFoundError(
        f"there is no provider {name!r}",
        hint=f"{advice}Installed: {', '.join(installed) or 'none'}.",
    )


def _import(entry: EntryPoint) -> type[Cloud]:
    from cloudkit.api.cloud import Cloud

    try:
        loaded = entry.load()
    except Exception as error:
        raise ConfigurationError(
            f"the provider {entry.name!r} of {_distribution(entry)} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(loaded, type) or not issubclass(loaded, Cloud):
        raise ConfigurationError(
            f"the entry point {entry.name!r} of {_distribution(entry)} is no provider: "
            f"{entry.value} is not a subclass of cloudkit.api.Cloud"
        )
    return loaded


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value
