"""Settings: options, variables, and which of them count."""

from __future__ import annotations

import pytest
from cloudkit.azure import AzureCloud, AzureConfig
from cloudkit.azure.auth import EMULATOR_KEY, credentials_of
from cloudkit.common import (
    AccountKeyCredentials,
    AnonymousCredentials,
    ConfigurationError,
    ConnectionStringCredentials,
    SharedAccessSignatureCredentials,
)

STRING = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=x"


def load(options, **environ):
    return AzureConfig.load(options, environ)


def test_variables_of_azures_own_are_read():
    config = load(
        {},
        AZURE_STORAGE_ACCOUNT="acme",
        AZURE_STORAGE_KEY="c2VjcmV0",
        AZURE_TENANT_ID="t",
        AZURE_CLIENT_ID="c",
        AZURE_CLIENT_SECRET="s",
    )
    assert (config.account, config.storage_key, config.tenant_id) == ("acme", "c2VjcmV0", "t")
    assert config.storage_url() == "https://acme.blob.core.windows.net"
    assert credentials_of("blob", config) == AccountKeyCredentials(account="acme", key="c2VjcmV0")


def test_an_option_sets_other_ways_to_sign_in_aside():
    config = load({"storage_key": "b3du"}, AZURE_STORAGE_CONNECTION_STRING=STRING)
    assert config.storage_connection_string is None
    config = load({"anonymous": True, "account": "a"}, AZURE_STORAGE_KEY="c2VjcmV0")
    assert isinstance(credentials_of("blob", config), AnonymousCredentials)
    config = load({"storage_sas_token": "sig=x"}, CLOUD_ANONYMOUS="true")
    assert isinstance(credentials_of("blob", config), SharedAccessSignatureCredentials)


def test_an_option_that_says_where_sets_a_connection_string_aside():
    config = load({"account": "mine"}, AZURE_STORAGE_CONNECTION_STRING=STRING)
    assert config.storage_connection_string is None
    config = load({"timeout": 1}, AZURE_STORAGE_CONNECTION_STRING=STRING)
    assert isinstance(credentials_of("blob", config), ConnectionStringCredentials)


def test_two_ways_to_sign_in_exclude_each_other():
    with pytest.raises(ConfigurationError, match="storage_connection_string and storage_key"):
        load({"storage_key": "a", "storage_connection_string": STRING})


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "127.0.0.1:10000"},
        {"storage_endpoint": "https://user:password@host"},
        {"storage_endpoint": "https://host?sig=x"},
        {"storage_key": ""},
        {"client_secret": "s"},
        {"anonymous": "perhaps"},
        {"storage_kee": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options):
    with pytest.raises(ConfigurationError):
        load(options)


def test_nothing_shows_a_secret():
    secrets = {
        "client_secret": "the-secret",
        "storage_connection_string": "the-secret",
        "cosmos_key": "the-secret",
        "service_bus_connection_string": "the-secret",
        "event_grid_key": "the-secret",
        "functions_key": "the-secret",
    }
    config = load({**secrets, "tenant_id": "t", "client_id": "c"})
    assert "the-secret" not in repr(config)


def test_an_emulator_on_this_machine_needs_only_its_address():
    config = load({"endpoint": "http://127.0.0.1:10000"})
    assert config.storage_url() == "http://127.0.0.1:10000/devstoreaccount1"
    assert credentials_of("blob", config) == AccountKeyCredentials(
        account="devstoreaccount1", key=EMULATOR_KEY
    )
    named = load({"endpoint": "http://localhost:10000", "account": "other"})
    assert named.storage_url() == "http://localhost:10000/other"
    assert credentials_of("blob", named) is None, "of another account the key is not known"
    elsewhere = load({"endpoint": "https://storage.example"})
    assert elsewhere.storage_url() == "https://storage.example"
    assert credentials_of("blob", elsewhere) is None


def test_a_cloud_is_made_without_an_account():
    cloud = AzureCloud(account="acme")
    assert cloud.storage is cloud.blob
    assert cloud.config.account == "acme"


def test_where_event_grid_is_managed():
    config = load({"event_grid_endpoint": "https://news.westeurope-1.eventgrid.azure.net"})
    assert config.event_grid_place is None
    assert not config.event_grid_is_basic
    config = load(
        {"event_grid_endpoint": "https://news.westeurope-1.eventgrid.azure.net"},
        AZURE_SUBSCRIPTION_ID="s",
        AZURE_RESOURCE_GROUP="g",
    )
    assert config.event_grid_place == ("s", "g", "news")
    config = load({"subscription_id": "s", "resource_group": "g", "event_grid_namespace": "n"})
    assert config.event_grid_place == ("s", "g", "n")
    basic = load({"event_grid_endpoint": "https://t.westeurope-1.eventgrid.azure.net/api/events"})
    assert basic.event_grid_is_basic


def test_a_container_for_dead_letters_is_a_resource():
    account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
    container = f"{account}/blobServices/default/containers/dead"
    assert load({"event_grid_dead_letters": container}).event_grid_dead_letters == container
    for wrong in ("dead", "https://a.blob.core.windows.net/dead", account):
        with pytest.raises(ConfigurationError, match="event_grid_dead_letters"):
            load({"event_grid_dead_letters": wrong})


def test_capabilities_are_those_that_the_options_leave():
    assert not AzureCloud().capabilities.pubsub.dead_letter
    account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
    container = f"{account}/blobServices/default/containers/dead"
    assert AzureCloud(event_grid_dead_letters=container).capabilities.pubsub.dead_letter
    basic = AzureCloud(event_grid_endpoint="https://t.x.eventgrid.azure.net/api/events")
    assert not basic.capabilities.pubsub.subscriptions
    assert "basic topic" in basic.capabilities.pubsub.reasons["subscriptions"]


def test_credentials_of_event_grid_and_functions():
    config = load({"event_grid_key": "a2V5", "functions_key": "key"})
    assert credentials_of("event_grid", config) == AccountKeyCredentials(key="a2V5")
    assert credentials_of("functions", config) == AccountKeyCredentials(key="key")
    assert credentials_of("management", config) is None
    config = load({"event_grid_sas_token": "r=x&s=y"})
    assert isinstance(credentials_of("event_grid", config), SharedAccessSignatureCredentials)
    assert isinstance(credentials_of("functions", config), AnonymousCredentials)
    assert credentials_of("functions", load({"functions_audience": "api://app"})) is None
    with pytest.raises(ConfigurationError, match="exclude"):
        load({"event_grid_key": "a", "event_grid_sas_token": "b"})
