"""Emulators for the demo: for providers that have some, when nothing real is named.

They are those of the integration tests; the first time, their environments are installed, which takes
some minutes.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cloudkit.prelude import AccessKeyCredentials, SigningKeyCredentials

from tools.demo.application import FUNCTION
from tools.demo.digest import digest

TESTS = Path(__file__).parents[2] / "tests-integration"
ORACLE_VARIABLES = (
    *("OCI_CLI_PROFILE", "OCI_CLI_USER", "OCI_CLI_AUTH", "OCI_CLI_CONFIG_FILE", "OCI_CONFIG_FILE"),
    "OCI_RESOURCE_PRINCIPAL_VERSION",
)
GCP_VARIABLES = (
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "STORAGE_EMULATOR_HOST"),
    *("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"),
)
AZURE_VARIABLES = (
    *("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_COSMOS_ENDPOINT"),
    *("AZURE_COSMOS_CONNECTION_STRING", "AZURE_SERVICEBUS_CONNECTION_STRING"),
    *("AZURE_EVENTGRID_ENDPOINT", "AZURE_FUNCTIONS_ENDPOINT", "AZURE_CLIENT_ID"),
)
AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN")


def emulators_of(
    provider: str, options: Mapping[str, Any]
) -> AbstractContextManager[dict[str, Any]] | None:
    """Emulators of a provider, as a context manager of the options to reach them with.

    Args:
        provider: Its name.
        options: What the user has given.

    Returns:
        None when the provider has none here, or an option or variable names the real service.
    """
    start, variables = _EMULATORS.get(provider, (None, ()))
    if start is None or options or any(os.environ.get(name) for name in variables):
        return None
    return start()


def handle_digest(event: Any, context: Any) -> Any:
    """The demo's function as a handler of Lambda."""
    return json.loads(digest(json.dumps(event).encode()))


HANDLERS = {FUNCTION: handle_digest}
"""Name → handler, for the double of Lambda."""

FUNCTIONS = {FUNCTION: digest}
"""Name → bytes in, bytes out, for the doubles of Oracle's and of Google's functions."""


@contextmanager
def _aws() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, str(TESTS))
    from emulators.lambda_double.process import lambda_double
    from emulators.localstack import localstack
    from emulators.moto import moto

    secret = base64.b16encode(os.urandom(8)).decode()
    with ExitStack() as running:
        most = running.enter_context(localstack())
        tables = running.enter_context(moto())
        functions = running.enter_context(
            lambda_double({"demo": secret}, "tools.demo.emulators:HANDLERS")
        )
        print(
            "No credentials or endpoint given: these are EMULATORS on this machine, not AWS.\n"
            f"  LocalStack at {most.url} for S3, SQS and SNS\n"
            f"  moto at {tables.url} for DynamoDB\n"
            f"  a double at {functions.url} for Lambda, where the function is deployed\n"
        )
        yield {
            "region": "eu-west-1",
            "auth": AccessKeyCredentials(access_key_id="demo", secret_access_key=secret),
            "endpoint": most.url,
            "dynamodb_endpoint": tables.url,
            "lambda_endpoint": functions.url,
        }


@contextmanager
def _azure() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, str(TESTS))
    from emulators import azurite, cosmos, event_grid, service_bus
    from emulators.azure_functions import HOST_KEY, azure_functions

    with ExitStack() as running:
        blobs = running.enter_context(azurite.azurite())
        documents = running.enter_context(cosmos.cosmos())
        queues = running.enter_context(service_bus.service_bus())
        topics = running.enter_context(event_grid.event_grid())
        functions = running.enter_context(azure_functions("tools.demo.functions_app:app"))
        print(
            "No credentials or endpoint given: these are EMULATORS on this machine, not Azure.\n"
            f"  Azurite at {blobs.url} for Blob Storage\n"
            f"  a double at {documents.url} for Cosmos DB\n"
            f"  a double at {queues.url} for Service Bus\n"
            f"  a double at {topics.url} for Event Grid and the resource manager\n"
            f"  a host at {functions.url} for Functions, where the function is deployed\n"
        )
        yield {
            "storage_endpoint": blobs.url,
            "account": azurite.ACCOUNT,
            "storage_key": azurite.KEY,
            "cosmos_endpoint": documents.url,
            "cosmos_key": cosmos.KEY,
            "service_bus_connection_string": service_bus.connection_string(queues.url),
            "event_grid_endpoint": topics.url,
            "event_grid_namespace": event_grid.NAMESPACE,
            "event_grid_key": event_grid.KEY,
            "subscription_id": event_grid.SUBSCRIPTION_ID,
            "resource_group": event_grid.GROUP,
            "management_endpoint": topics.url,
            "management_token": event_grid.TOKEN,
            "functions_endpoint": functions.url,
            "functions_key": HOST_KEY,
        }


@contextmanager
def _gcp() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, str(TESTS))
    from emulators import firestore, pubsub
    from emulators.google import create_service_account
    from emulators.google_cloud import google_cloud

    if firestore.missing() is not None or pubsub.find_jar(pubsub.JAR) is None:
        raise SystemExit(
            "Google's emulators of Firestore and Pub/Sub are not on this machine: "
            "gcloud components install cloud-firestore-emulator pubsub-emulator"
        )
    project, location = "demo", "europe-west1"
    with ExitStack() as running:
        documents = running.enter_context(firestore.firestore())
        messages = running.enter_context(pubsub.pubsub())
        rest = running.enter_context(
            google_cloud(project, location, "tools.demo.emulators:FUNCTIONS")
        )
        print(
            "No credentials or endpoint given: these are EMULATORS on this machine, not Google Cloud.\n"
            f"  Google's emulator at {documents.url} for Firestore\n"
            f"  Google's emulator at {messages.url} for Pub/Sub\n"
            f"  a double at {rest.url} for Cloud Storage and Cloud Functions, where the function is\n"
            "  deployed\n"
        )
        yield {
            "project": project,
            "region": location,
            "service_account_info": create_service_account(rest.url, project, "demo"),
            "storage_endpoint": rest.url,
            "functions_endpoint": rest.url,
            "firestore_endpoint": documents.url,
            "pubsub_endpoint": messages.url,
        }


@contextmanager
def _oracle() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, str(TESTS))
    from emulators.oracle import new_key, oracle, register_key

    private, public = new_key()
    tenancy, user = "ocid1.tenancy.oc1..demo", "ocid1.user.oc1..demo"
    with oracle("tools.demo.emulators:FUNCTIONS") as server:
        fingerprint = register_key(server.url, tenancy, user, public)
        print(
            "No credentials or endpoint given: this is a DOUBLE on this machine, not Oracle Cloud.\n"
            f"  {server.url} for Object Storage, NoSQL, Queue, Streaming and Functions, where the\n"
            "  function is deployed\n"
        )
        yield {
            "region": "us-ashburn-1",
            "compartment": "ocid1.compartment.oc1..tests",
            "application": "deployed",
            "auth": SigningKeyCredentials(
                tenancy=tenancy, user=user, fingerprint=fingerprint, private_key=private
            ),
            "endpoint": server.url,
        }


_EMULATORS: Mapping[
    str, tuple[Callable[[], AbstractContextManager[dict[str, Any]]], tuple[str, ...]]
] = {
    "aws": (_aws, AWS_VARIABLES),
    "azure": (_azure, AZURE_VARIABLES),
    "gcp": (_gcp, GCP_VARIABLES),
    "oracle": (_oracle, ORACLE_VARIABLES),
}
