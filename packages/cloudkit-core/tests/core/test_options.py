"""Checks of options."""

from __future__ import annotations

import pytest
from attrs import frozen
from cloudkit.api.validation import is_flag
from cloudkit.common import CloudConfig, ConfigurationError, ValidationError, option
from cloudkit.core.options import (
    check_count,
    check_endpoint,
    check_url,
    one_of,
    text_option,
)
from cloudkit.core.urls import is_loopback, is_plain, is_url


@frozen(kw_only=True)
class AcmeConfig(CloudConfig):
    """Settings of a provider."""

    token: str | None = text_option("signs in", "ACME_TOKEN", secret=True)
    anonymous: bool = option(default=False, doc="unsigned", validator=is_flag)
    shards: int = option(1, doc="shards of new streams", parse=int, validator=check_count)
    style: str | None = option(doc="where names stand", validator=one_of(("path", "host")))
    acme_endpoint: str | None = option(doc="URL of Acme", validator=check_endpoint)


@pytest.mark.parametrize(
    "options",
    [
        {"token": "t", "anonymous": True, "shards": 3, "style": "path"},
        {"acme_endpoint": "http://127.0.0.1:8080/base/"},
        {"acme_endpoint": "https://[::1]"},
        {},
    ],
    ids=str,
)
def test_what_can_be_is_taken(options):
    config = AcmeConfig.load(options, {})
    assert {name: getattr(config, name) for name in options} == options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"token": " "}, "token must be text"),
        ({"token": 7}, "token must be text"),
        ({"anonymous": 1}, "anonymous must be True or False"),
        ({"shards": 0}, "shards must be a positive whole number"),
        ({"shards": True}, "shards must be a positive whole number"),
        ({"style": "virtual"}, "style must be one of path, host"),
        ({"acme_endpoint": "127.0.0.1:8080"}, "acme_endpoint must be a URL"),
        ({"acme_endpoint": "ftp://host"}, "acme_endpoint must be a URL"),
        ({"acme_endpoint": "http://host:port"}, "acme_endpoint must be a URL"),
        ({"acme_endpoint": "http://host:99999"}, "acme_endpoint must be a URL"),
        ({"acme_endpoint": "http://[::1"}, "acme_endpoint must be a URL"),
        ({"acme_endpoint": "https://user:password@host"}, "acme_endpoint must hold no user"),
        ({"acme_endpoint": "https://host?sig=password"}, "acme_endpoint must hold no user"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_without_a_secret(options, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        AcmeConfig.load(options, {})
    assert "password@" not in str(caught.value)
    assert "=password" not in str(caught.value)


def test_a_text_comes_from_variables_and_is_not_shown():
    config = AcmeConfig.load({}, {"ACME_TOKEN": "the-secret"})
    assert config.token == "the-secret"
    assert "the-secret" not in repr(config)


def test_a_url_may_have_to_be_without_a_path():
    check_url("endpoint", "http://host/", path=False)
    with pytest.raises(ValidationError, match="endpoint must hold no path"):
        check_url("endpoint", "http://host/path", path=False)


@pytest.mark.parametrize(
    ("url", "plain", "loopback"),
    [
        ("http://127.0.0.1:1", True, True),
        ("https://localhost/x", False, True),
        ("http://[::1]:1", True, True),
        ("http://127.0.0.1.example", True, False),
        ("https://localhost.example", False, False),
    ],
)
def test_what_a_url_tells(url, plain, loopback):
    assert is_url(url)
    assert (is_plain(url), is_loopback(url)) == (plain, loopback)
