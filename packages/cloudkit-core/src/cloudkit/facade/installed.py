"""A provider as an attribute that is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from cloudkit.core import load_provider

if TYPE_CHECKING:
    from cloudkit.api.cloud import Cloud

CloudT = TypeVar("CloudT", bound="Cloud")


class Installed(Generic[CloudT]):
    """Stands in a class for a provider's own class, found through its entry point.

    Args:
        name: Name of the provider.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type[Any]) -> type[CloudT]:
        """The provider's class.

        Raises:
            ProviderNotInstalledError: The provider is not installed.
            ConfigurationError: The provider cannot be imported.
        """
        return cast("type[CloudT]", load_provider(self._name))
