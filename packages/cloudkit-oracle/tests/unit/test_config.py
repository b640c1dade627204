"""Settings: options, variables, and which of them count."""

from __future__ import annotations

import pytest
from cloudkit.common import ConfigurationError
from cloudkit.oracle import OracleConfig


def load(options, **environ):
    return OracleConfig.load(options, environ)


def test_variables_of_oracles_own_are_read():
    config = load(
        {},
        OCI_CLI_TENANCY="t",
        OCI_CLI_USER="u",
        OCI_CLI_FINGERPRINT="f",
        OCI_CLI_KEY_CONTENT="k",
        OCI_CLI_REGION="eu-frankfurt-1",
        OCI_CLI_AUTH="api_key",
        OCI_CLI_PROFILE="other",
    )
    assert (config.tenancy, config.user, config.fingerprint) == ("t", "u", "f")
    assert (config.key_content, str(config.region)) == ("k", "eu-frankfurt-1")
    assert (config.authentication, config.profile) == ("api_key", "other")
    assert "k" not in repr(config).split("key_content=")[-1][:3]


def test_a_profile_sets_keys_of_variables_aside():
    config = load({"profile": "mine"}, OCI_CLI_USER="u", OCI_CLI_AUTH="instance_principal")
    assert (config.profile, config.user, config.authentication) == ("mine", None, None)


def test_a_key_sets_a_profile_of_a_variable_aside():
    config = load({"user": "u", "key_file": "k"}, OCI_CLI_PROFILE="other", OCI_CLI_KEY_CONTENT="x")
    assert (config.profile, config.key_content, config.key_file) == (None, None, "k")


def test_other_options_leave_variables_alone():
    config = load({"timeout": 1, "compartment": "c"}, OCI_CLI_USER="u", OCI_CLI_PROFILE="p")
    assert (config.user, config.profile) == ("u", "p")


def test_two_keys_exclude_each_other():
    with pytest.raises(ConfigurationError, match="key_content and key_file"):
        load({"key_file": "a", "key_content": "b"})


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "127.0.0.1:10000"},
        {"endpoint": "http://host/path"},
        {"nosql_endpoint": "https://user:password@host"},
        {"queue_endpoint": "https://host?x=1"},
        {"user": ""},
        {"key_content": "  "},
        {"authentication": "password"},
        {"acount": "a"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options):
    with pytest.raises(ConfigurationError) as caught:
        load(options)
    assert "password@" not in str(caught.value)


def test_each_service_has_an_endpoint_of_its_own():
    config = load({"endpoint": "http://all/", "queue_endpoint": "http://queues"})
    assert config.endpoint_of("object_storage") == "http://all"
    assert config.endpoint_of("queue_admin") == "http://queues"
    assert config.endpoint_of("queue") == "http://queues"
    assert config.endpoint_of("notifications_control") == "http://all"
    assert config.endpoint_of("functions_management") == "http://all"
    assert load({}).endpoint_of("nosql") is None
