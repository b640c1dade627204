"""Settings of the Azure provider."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from attrs import Attribute, frozen
from cloudkit.api.validation import is_flag
from cloudkit.common import (
    CloudConfig,
    ConfigurationError,
    ValidationError,
    option,
    parse_bool,
)
from cloudkit.core import CloudOptions
from cloudkit.core.options import check_endpoint, check_text, check_url, text_option
from cloudkit.core.urls import is_loopback

ServiceName: TypeAlias = Literal[
    "blob", "cosmos", "service_bus", "event_grid", "functions", "management"
]

EMULATOR_ACCOUNT = "devstoreaccount1"
"""The account of Microsoft's storage emulator, Azurite."""

CONTAINER_ID = re.compile(
    r"/subscriptions/[^/]+/.+/storageAccounts/[^/]+/blobServices/default/containers/[^/]+"
)


class AzureOptions(CloudOptions, total=False):
    """The options of ``CloudKit.azure()``; see [AzureConfig][cloudkit.azure.AzureConfig]."""

    account: str | None
    anonymous: bool
    tenant_id: str | None
    client_id: str | None
    client_secret: str | None
    authority: str | None
    storage_endpoint: str | None
    storage_connection_string: str | None
    storage_key: str | None
    storage_sas_token: str | None
    cosmos_endpoint: str | None
    cosmos_connection_string: str | None
    cosmos_key: str | None
    cosmos_database: str
    service_bus_namespace: str | None
    service_bus_connection_string: str | None
    service_bus_management_endpoint: str | None
    event_grid_endpoint: str | None
    event_grid_key: str | None
    event_grid_sas_token: str | None
    event_grid_namespace: str | None
    event_grid_dead_letters: str | None
    subscription_id: str | None
    resource_group: str | None
    management_endpoint: str
    management_token: str | None
    functions_endpoint: str | None
    functions_key: str | None
    functions_audience: str | None


SOURCES: Mapping[str, tuple[str, ...]] = {
    "storage": ("storage_connection_string", "storage_key", "storage_sas_token", "anonymous"),
    "cosmos": ("cosmos_connection_string", "cosmos_key"),
    "event_grid": ("event_grid_key", "event_grid_sas_token"),
}
"""Options that are different ways to say the same thing: who gives one does not want another."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "storage_connection_string": ("account", "storage_endpoint", "endpoint"),
    "cosmos_connection_string": ("cosmos_endpoint",),
    "service_bus_connection_string": ("service_bus_namespace",),
}
"""A connection string also says where; who says it by an option does not want that of a variable."""


def _check_container(instance: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and (not isinstance(value, str) or not CONTAINER_ID.fullmatch(value)):
        raise ValidationError(
            f"{attribute.name} must be the resource id of a container: "
            "/subscriptions/…/storageAccounts/…/blobServices/default/containers/…"
        )


def _url(doc: str, *variables: str) -> Any:
    return option(doc=doc, variables=variables, validator=check_endpoint)


@frozen(kw_only=True)
class AzureConfig(CloudConfig):
    """Settings of the Azure provider.

    Without a connection string, key or signature for a service, a token is asked for: with
    ``client_secret`` as that application, else by ``DefaultAzureCredential``, which looks at
    variables, workload and managed identities and the command-line tools.

    Attributes:
        account: Name of the storage account.
        anonymous: Send requests to storage unsigned, for public containers.
        tenant_id: Directory to sign in to.
        client_id: Application or managed identity to sign in as.
        client_secret: Its secret.
        authority: Host to sign in at, for sovereign clouds.
        storage_endpoint: URL of Blob Storage, in place of ``endpoint``; the account's own when
            neither is given.
        storage_connection_string: Where storage is and how to sign in to it.
        storage_key: Key of the storage account.
        storage_sas_token: Shared access signature for storage.
        cosmos_endpoint: URL of the Cosmos DB account.
        cosmos_connection_string: Where it is, and its key.
        cosmos_key: Its key.
        cosmos_database: The database whose containers are the tables.
        service_bus_namespace: Host of the namespace: ``name.servicebus.windows.net``.
        service_bus_connection_string: Where it is and how to sign in to it.
        service_bus_management_endpoint: URL that its queues and topics are managed at, where that
            is not the namespace's own: an emulator's.
        event_grid_endpoint: URL of the namespace, or that of a basic topic, with its path.
        event_grid_key: Its key.
        event_grid_sas_token: Shared access signature for it.
        event_grid_namespace: Name of the namespace; the first part of the endpoint's host when not
            given.
        event_grid_dead_letters: Resource id of a container of Blob Storage, where new subscriptions
            of Event Grid set messages aside:
            ``/subscriptions/…/storageAccounts/…/blobServices/default/containers/…``.
        subscription_id: Subscription of Azure that the namespace is in.
        resource_group: Resource group that it is in.
        management_endpoint: URL of the resource manager, for sovereign clouds.
        management_token: Token for it, in place of one that is asked for.
        functions_endpoint: URL of the function app.
        functions_key: Host key or master key of the app.
        functions_audience: Application that tokens for the app are made for.
    """

    provider_name: ClassVar[str] = "azure"

    account: str | None = text_option("name of the storage account", "AZURE_STORAGE_ACCOUNT")
    anonymous: bool = option(
        default=False,
        doc="send requests to storage unsigned",
        parse=parse_bool,
        validator=is_flag,
    )
    tenant_id: str | None = text_option("directory to sign in to", "AZURE_TENANT_ID")
    client_id: str | None = text_option("application or identity to sign in as", "AZURE_CLIENT_ID")
    client_secret: str | None = text_option("its secret", "AZURE_CLIENT_SECRET", secret=True)
    authority: str | None = text_option("host to sign in at", "AZURE_AUTHORITY_HOST")
    storage_endpoint: str | None = _url("URL of Blob Storage", "AZURE_STORAGE_SERVICE_ENDPOINT")
    storage_connection_string: str | None = text_option(
        "connection string of storage", "AZURE_STORAGE_CONNECTION_STRING", secret=True
    )
    storage_key: str | None = text_option("key of the account", "AZURE_STORAGE_KEY", secret=True)
    storage_sas_token: str | None = text_option(
        "shared access signature for storage", "AZURE_STORAGE_SAS_TOKEN", secret=True
    )
    cosmos_endpoint: str | None = _url("URL of Cosmos DB", "AZURE_COSMOS_ENDPOINT")
    cosmos_connection_string: str | None = text_option(
        "connection string of Cosmos DB", "AZURE_COSMOS_CONNECTION_STRING", secret=True
    )
    cosmos_key: str | None = text_option("key of Cosmos DB", "AZURE_COSMOS_KEY", secret=True)
    cosmos_database: str = option(
        "cloudkit",
        doc="database of the tables",
        variables=("AZURE_COSMOS_DATABASE",),
        validator=check_text,
    )
    service_bus_namespace: str | None = text_option(
        "host of the Service Bus namespace", "AZURE_SERVICEBUS_FULLY_QUALIFIED_NAMESPACE"
    )
    service_bus_connection_string: str | None = text_option(
        "connection string of Service Bus", "AZURE_SERVICEBUS_CONNECTION_STRING", secret=True
    )
    service_bus_management_endpoint: str | None = _url("URL that Service Bus is managed at")
    event_grid_endpoint: str | None = _url("URL of Event Grid", "AZURE_EVENTGRID_ENDPOINT")
    event_grid_key: str | None = text_option("its key", "AZURE_EVENTGRID_KEY", secret=True)
    event_grid_sas_token: str | None = text_option("shared access signature for it", secret=True)
    event_grid_namespace: str | None = text_option("name of the Event Grid namespace")
    event_grid_dead_letters: str | None = option(
        doc="resource id of a container for dead letters of Event Grid", validator=_check_container
    )
    subscription_id: str | None = text_option("subscription of Azure", "AZURE_SUBSCRIPTION_ID")
    resource_group: str | None = text_option("resource group", "AZURE_RESOURCE_GROUP")
    management_endpoint: str = option(
        "https://management.azure.com",
        doc="URL of the resource manager",
        validator=check_endpoint,
    )
    management_token: str | None = text_option("token for the resource manager", secret=True)
    functions_endpoint: str | None = _url("URL of the function app", "AZURE_FUNCTIONS_ENDPOINT")
    functions_key: str | None = text_option("its key", "AZURE_FUNCTIONS_KEY", secret=True)
    functions_audience: str | None = text_option("application that its tokens are for")

    def __attrs_post_init__(self) -> None:
        check_url("endpoint", self.endpoint)
        if self.client_secret is not None and (self.tenant_id is None or self.client_id is None):
            raise ValidationError("client_secret needs tenant_id and client_id")

    @classmethod
    def load(
        cls,
        options: Mapping[str, Any],
        environ: Mapping[str, str] | None = None,
        *,
        also_known: Iterable[str] = (),
    ) -> Self:
        """Build the configuration; an option also sets aside the variables that contradict it.

        Args:
            options: What the caller gave.
            environ: Environment variables; those of the process when None.
            also_known: Options handled elsewhere.

        Raises:
            ConfigurationError: An option is unknown or not understood, or two exclude each other.
        """
        given = {
            name for name, value in options.items() if value is not None and value is not False
        }
        aside: set[str] = set()
        for names in SOURCES.values():
            chosen = given.intersection(names)
            if len(chosen) > 1:
                raise ConfigurationError(
                    f"azure: {' and '.join(sorted(chosen))} exclude each other"
                )
            if chosen:
                aside.update(names)
        aside.update(name for name, places in PLACES.items() if given.intersection(places))
        unset = {name: False if name == "anonymous" else None for name in aside - given}
        return super().load({**unset, **options}, environ, also_known=also_known)

    @property
    def event_grid_is_basic(self) -> bool:
        """Whether the endpoint of Event Grid is that of a basic topic, which can only be published to."""
        url = self.event_grid_endpoint
        return url is not None and urlsplit(url).path.rstrip("/").endswith("/api/events")

    @property
    def event_grid_place(self) -> tuple[str, str, str] | None:
        """Subscription, resource group and name of the namespace; None where they are not all known."""
        host = urlsplit(self.event_grid_endpoint or "").hostname or ""
        name = self.event_grid_namespace or host.partition(".")[0]
        if self.subscription_id is None or self.resource_group is None or not name:
            return None
        return self.subscription_id, self.resource_group, name

    def storage_url(self, account: str | None = None) -> str | None:
        """URL of Blob Storage; None when only a connection string can tell.

        Args:
            account: Name of the account, where the option does not say.
        """
        account = self.account or account
        url = self.storage_endpoint or self.endpoint
        if url is None:
            return None if account is None else f"https://{account}.blob.core.windows.net"
        if is_loopback(url) and not urlsplit(url).path.strip("/"):
            # Servers on this machine have the account in the path.
            return f"{url.rstrip('/')}/{account or EMULATOR_ACCOUNT}"
        return url.rstrip("/")
