from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pytest
from attrs import frozen
from cloudkit.common import CloudConfig, ConfigurationError, Region, option, parse_bool


def parse_key(text: str) -> int:
    return int(text, 16)


@frozen(kw_only=True)
class AcmeConfig(CloudConfig):
    provider_name: ClassVar[str] = "acme"
    native_variables: ClassVar = {"region": ("ACME_REGION", "ACME_DEFAULT_REGION")}

    project: str | None = option(doc="project", variables=("ACME_PROJECT",))
    secure: bool = option(True, doc="use TLS", parse=parse_bool)
    token: str | None = option(doc="token", secret=True)
    key: int | None = option(doc="key", parse=parse_key, secret=True)


def test_defaults():
    config = AcmeConfig.load({}, {})
    assert (config.region, config.endpoint, config.timeout) == (None, None, 60.0)
    assert (config.connect_timeout, config.max_concurrency, config.secure) == (10.0, 32, True)


def test_an_option_comes_before_variables_and_ours_before_the_providers_own():
    environ = {"CLOUD_REGION": "ours", "ACME_REGION": "own", "ACME_DEFAULT_REGION": "last"}
    assert AcmeConfig.load({"region": "given"}, environ).region == Region("given")
    assert AcmeConfig.load({}, environ).region == Region("ours")
    del environ["CLOUD_REGION"]
    assert AcmeConfig.load({}, environ).region == Region("own")
    del environ["ACME_REGION"]
    assert AcmeConfig.load({}, environ).region == Region("last")


def test_the_variables_that_choose_a_profile_of_ours_are_none_of_a_providers_options():
    @frozen(kw_only=True)
    class WithProfiles(CloudConfig):
        profile: str | None = option(doc="profile of ~/.acme", variables=("ACME_PROFILE",))
        config_file: str | None = option(doc="where that is")

    environ = {"CLOUD_PROFILE": "production", "CLOUD_CONFIG_FILE": "/srv/cloudkit.toml"}
    config = WithProfiles.load({}, environ)
    assert (config.profile, config.config_file) == (None, None)
    config = WithProfiles.load({}, {**environ, "ACME_PROFILE": "own"})
    assert config.profile == "own"
    assert config.origin("profile", {**environ, "ACME_PROFILE": "own"}) == "variable ACME_PROFILE"


def test_an_empty_variable_is_as_none_at_all():
    assert AcmeConfig.load({}, {"CLOUD_TIMEOUT": "", "ACME_PROJECT": ""}) == AcmeConfig()


def test_text_is_parsed_where_the_field_is_not_text():
    environ = {
        "CLOUD_TIMEOUT": "1.5",
        "CLOUD_MAX_CONCURRENCY": "4",
        "CLOUD_SECURE": "off",
        "ACME_PROJECT": "7",
    }
    config = AcmeConfig.load({}, environ)
    assert (config.timeout, config.max_concurrency, config.secure) == (1.5, 4, False)
    assert config.project == "7"
    assert AcmeConfig.load({"timeout": "none"}, {}).timeout is None
    assert AcmeConfig.load({"timeout": timedelta(minutes=2)}, {}).timeout == 120.0


def test_the_variables_of_the_process_are_the_default(monkeypatch):
    monkeypatch.setenv("CLOUD_ENDPOINT", "http://127.0.0.1:1")
    assert AcmeConfig.load({}).endpoint == "http://127.0.0.1:1"


def test_a_misspelt_option_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match=r"'regoin' is not an option.*mean 'region'"):
        AcmeConfig.load({"regoin": "x"}, {})
    with pytest.raises(ConfigurationError, match="mean 'retry'"):
        AcmeConfig.load({"retrry": 1}, {}, also_known=["retry"])


def test_an_unknown_option_lists_those_that_exist():
    with pytest.raises(ConfigurationError, match=r"known are connect_timeout, endpoint.*token"):
        AcmeConfig.load({"zzz": 1}, {})


@pytest.mark.parametrize(
    "options",
    [
        {"region": "no/slash"},
        {"region": 7},
        {"timeout": 0},
        {"timeout": "soon"},
        {"timeout": float("nan")},
        {"timeout": True},
        {"connect_timeout": -1},
        {"connect_timeout": "nan"},
        {"connect_timeout": None},
        {"max_concurrency": 0},
        {"max_concurrency": 1.5},
        {"max_concurrency": "many"},
        {"secure": "perhaps"},
    ],
)
def test_a_bad_value_is_a_configuration_error(options):
    with pytest.raises(ConfigurationError):
        AcmeConfig.load(options, {})


def test_a_bad_variable_is_named():
    with pytest.raises(ConfigurationError, match="CLOUD_MAX_CONCURRENCY"):
        AcmeConfig.load({}, {"CLOUD_MAX_CONCURRENCY": "many"})


def test_secrets_show_neither_in_repr_nor_in_the_error():
    assert "s3cret" not in repr(AcmeConfig.load({"token": "s3cret"}, {}))
    with pytest.raises(ConfigurationError) as caught:
        AcmeConfig.load({"key": "s3cret"}, {})
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("text", "value"), [("Yes", True), (" on ", True), ("0", False)])
def test_parse_bool(text, value):
    assert parse_bool(text) is value


def test_where_a_setting_comes_from():
    environ = {"ACME_PROJECT": "one", "CLOUD_SECURE": "off", "CLOUD_KEY": "ff", "CLOUD_TOKEN": "t"}
    config = AcmeConfig.load({}, environ)
    assert config.origin("project", environ) == "variable ACME_PROJECT"
    assert config.origin("secure", environ) == "variable CLOUD_SECURE"
    assert config.origin("key", environ) == "variable CLOUD_KEY"
    given = AcmeConfig.load({"project": "two", "key": 1, "token": "u"}, environ)
    assert given.origin("project", environ) == "option project"
    assert given.origin("token", environ) == "option token"
    assert given.origin("key", {"CLOUD_KEY": "no number"}) == "option key"
