"""Settings: options, variables, and which of them count."""

from __future__ import annotations

import json

import pytest
from cloudkit.common import ConfigurationError, Region
from cloudkit.gcp import GcpCloud, GcpConfig

INFO = {"type": "service_account", "project_id": "theirs", "private_key": "the-secret"}


def load(options, **environ):
    return GcpConfig.load(options, environ)


def test_variables_of_googles_own_are_read():
    config = load(
        {},
        GOOGLE_CLOUD_PROJECT="p",
        GOOGLE_CLOUD_REGION="europe-west1",
        STORAGE_EMULATOR_HOST="http://127.0.0.1:9023/",
        FIRESTORE_EMULATOR_HOST="127.0.0.1:8080",
        PUBSUB_EMULATOR_HOST="[::1]:8085",
        CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT="a@p.iam.gserviceaccount.com",
    )
    assert (config.project, config.region) == ("p", Region("europe-west1"))
    assert config.url("storage") == "http://127.0.0.1:9023"
    assert config.url("firestore") == "http://127.0.0.1:8080"
    assert config.url("pubsub") == "http://[::1]:8085"
    assert config.url("functions") == "https://cloudfunctions.googleapis.com"
    assert config.impersonate == "a@p.iam.gserviceaccount.com"


def test_an_option_comes_before_the_variables():
    config = load(
        {"endpoint": "https://storage.example", "project": "mine"},
        STORAGE_EMULATOR_HOST="http://127.0.0.1:9023",
        GOOGLE_CLOUD_PROJECT="p",
    )
    assert config.url("storage") == "https://storage.example"
    assert config.project == "mine"
    assert load({"endpoint": "https://a", "storage_endpoint": "https://b"}).url("storage") == (
        "https://b"
    )


def test_an_option_sets_other_ways_to_sign_in_aside():
    config = load({"service_account_info": INFO}, CLOUD_CREDENTIALS_FILE="/file")
    assert (config.credentials_file, config.anonymous) == (None, False)
    config = load({"anonymous": True}, CLOUD_CREDENTIALS_FILE="/file")
    assert config.credentials_file is None
    assert load({}, CLOUD_ANONYMOUS="true").anonymous


def test_a_key_file_is_given_as_text_or_as_a_mapping():
    assert load({"service_account_info": json.dumps(INFO)}).service_account_info == INFO
    assert load({}, CLOUD_SERVICE_ACCOUNT_INFO=json.dumps(INFO)).service_account_info == INFO


@pytest.mark.parametrize(
    "options",
    [
        {"storage_endpoint": "ftp://host"},
        {"endpoint": "127.0.0.1:9023"},
        {"pubsub_endpoint": "https://user:password@host"},
        {"iam_endpoint": "https://host?key=x"},
        {"project": ""},
        {"anonymous": "perhaps"},
        {"service_account_info": "the-secret"},
        {"service_account_info": "[1]"},
        {"service_account_info": INFO, "anonymous": True},
        {"credentials_fil": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options):
    with pytest.raises(ConfigurationError) as caught:
        load(options)
    assert "the-secret" not in str(caught.value)


def test_nothing_shows_a_secret():
    assert "the-secret" not in repr(load({"service_account_info": INFO}))


def test_a_cloud_is_made_without_anything():
    cloud = GcpCloud(project="p")
    assert cloud.config.project == "p"
    assert cloud.storage is cloud.storage
    assert cloud.capabilities.storage.delete_batch == 100
