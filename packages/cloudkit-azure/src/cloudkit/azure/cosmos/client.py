"""The client of Cosmos DB: the SDK's, without its retries, and what the SDK does not do right.

This is the only module that knows the SDK's inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.azure.clients import ClientSettings
from cloudkit.common import (
    AccountKeyCredentials,
    ConfigurationError,
    ConnectionStringCredentials,
)

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy


@frozen
class Query:
    """A query of items.

    Attributes:
        text: In SQL, without values.
        parameters: Its values, by name with the ``@``.
        partition: The partition key; None for all partitions.
        size: Most items of a page.
        continuation: Where the service goes on.
    """

    text: str
    parameters: Mapping[str, Any]
    partition: str | None
    size: int
    continuation: str | None = None


class CosmosAccount:
    """One account, with the database whose containers are the tables.

    Args:
        service: The SDK's client.
        database: Name of the database.
    """

    def __init__(self, service: CosmosClient, database: str) -> None:
        self.service = service
        self.database_name = database

    @property
    def database(self) -> DatabaseProxy:
        """The database, which may not be there."""
        return self.service.get_database_client(self.database_name)

    def container(self, table: str) -> ContainerProxy:
        """A container, whose definition the SDK knows.

        Raises:
            CosmosHttpResponseError: There is none.
        """
        container = self.database.get_container_client(table)
        known = self.service.client_connection._container_properties_cache
        if container.container_link not in known:
            self._read(container)
        return container

    def definition(self, table: str) -> Mapping[str, Any]:
        """The definition of a container as it is now.

        Raises:
            CosmosHttpResponseError: There is none.
        """
        return self._read(self.database.get_container_client(table))

    def page(self, table: str, query: Query) -> tuple[list[dict[str, Any]], str | None]:
        """One page of a query, by one request, and where it continues.

        The SDK's own pages take the continuation from the last answer that the client got, which may
        be that to a query of another thread.
        """
        from azure.cosmos._base import GetPathFromLink

        container, connection = self.container(table), self.service.client_connection
        options: dict[str, Any] = {
            "maxItemCount": query.size,
            "containerRID": container._get_properties()["_rid"],
        }
        if query.continuation is not None:
            options["continuation"] = query.continuation
        if query.partition is None:
            options["enableCrossPartitionQuery"] = True
        else:
            options["partitionKey"] = query.partition
        given = [{"name": name, "value": value} for name, value in query.parameters.items()]
        link = container.container_link
        found, headers = connection.QueryFeed(
            GetPathFromLink(link, "docs"),
            link,
            {"query": query.text, "parameters": given},
            options,
        )
        return found, headers.get("x-ms-continuation") or None

    def batch(self, table: str, operations: Sequence[Any], partition: str) -> list[dict[str, Any]]:
        """Carry out a transactional batch; what came of each operation.

        Raises:
            CosmosBatchOperationError: One was refused; nothing was changed.
        """
        connection = self.service.client_connection
        session: Any = connection.session

        def note(headers: Any, _: Any) -> None:
            if session is not None:
                # Or a read behind the batch might not see it: the SDK forgets to.
                session.update_session(connection, {}, headers)

        results = self.container(table).execute_item_batch(
            list(operations), partition, response_hook=note
        )
        return list(results)

    def _read(self, container: ContainerProxy) -> Mapping[str, Any]:
        definition: Mapping[str, Any] = container.read()  # which the SDK remembers
        session: Any = self.service.client_connection.session
        if session is not None:
            # Answers without an item do not say which container they are about, so the SDK would
            # lose what session they belong to, and a read behind the write might not see it.
            names = session.session_container.collection_name_to_rid
            names[container.container_link] = definition["_rid"]
        return definition

    def close(self) -> None:
        """Close the SDK's client; the connections are the cloud's."""
        self.service.close()
        manager = getattr(self.service.client_connection, "_global_endpoint_manager", None)
        executor = getattr(manager, "executor", None)
        if executor is not None:  # the SDK leaves it running; a later release may have none
            executor.shutdown(wait=False)


def make_client(settings: ClientSettings) -> CosmosAccount:
    """The client of an account. Blocks: imports the SDK, and reads the account.

    Raises:
        ConfigurationError: It is not known where the account is, or the credentials do not fit.
        Exception: The account cannot be read.
    """
    from cloudkit.azure.cosmos.transport import UnreachedError

    try:
        service = _make_service(settings)
    except ValueError as error:
        # The connection string, if any, must not show.
        raise ConfigurationError(f"Cosmos DB cannot be reached so: {error}") from None
    except UnreachedError as unreached:
        raise unreached.error from None
    return CosmosAccount(service, settings.config.cosmos_database)


def _make_service(settings: ClientSettings) -> CosmosClient:
    from azure.cosmos import CosmosClient
    from cloudkit.azure.cosmos.transport import WatchedTransport

    url, credential = _place(settings)
    transport = WatchedTransport(settings.http["transport"])
    service = CosmosClient(url, credential, transport=transport, **_options(settings))
    transport.started()
    return service


def _place(settings: ClientSettings) -> tuple[str, Any]:
    """URL of the account, and the credentials as the SDK's constructor takes them."""
    credentials, url = settings.credentials, settings.config.cosmos_endpoint
    if isinstance(credentials, ConnectionStringCredentials):
        parts = _parts(credentials.connection_string)
        if "AccountEndpoint" not in parts or "AccountKey" not in parts:
            raise ValueError("a connection string has an AccountEndpoint and an AccountKey")
        return parts["AccountEndpoint"], parts["AccountKey"]
    if url is None and isinstance(credentials, AccountKeyCredentials) and credentials.account:
        url = f"https://{credentials.account}.documents.azure.com"
    if url is None:
        raise ConfigurationError(
            "no Cosmos DB account is configured",
            hint="Give 'cosmos_endpoint' or 'cosmos_connection_string'.",
        )
    if isinstance(credentials, AccountKeyCredentials):
        return url, credentials.key
    return url, settings.token


def _parts(connection_string: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in connection_string.rstrip(";").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _options(settings: ClientSettings) -> dict[str, Any]:
    """Arguments of the SDK's constructor: nothing is repeated, and nobody looks for other regions."""
    from azure.cosmos._retry_options import RetryOptions
    from azure.cosmos.documents import ConnectionPolicy

    config, policy = settings.config, ConnectionPolicy()
    # As an argument, 0 would be taken for "the default".
    policy.RetryOptions = RetryOptions(max_retry_attempt_count=0)
    policy.DBAConnectionTimeout = settings.http["connection_timeout"]
    policy.DBAReadTimeout = settings.http["read_timeout"]
    return {
        "connection_policy": policy,
        **dict.fromkeys(("retry_total", "retry_connect", "retry_read", "retry_status"), 0),
        # The account's own address leads to the region that writes; discovery retries elsewhere.
        "enable_endpoint_discovery": False,
        "connection_timeout": config.connect_timeout,
        "read_timeout": config.timeout,
        "user_agent_suffix": settings.user_agent,
        "enable_compact_utf8_item_writes": True,
    }
