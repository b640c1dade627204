from __future__ import annotations

import sys

import pytest
from cloudkit.common import (
    ConfigurationError,
    ProviderNotFoundError,
    ProviderNotInstalledError,
)
from cloudkit.core import ProviderInfo, ProviderType, installed_providers, load_provider, registry


@pytest.fixture
def only(monkeypatch):
    """Hides the providers that are really installed here, and those that other tests have loaded."""
    found = registry._entry_points
    monkeypatch.setattr(registry, "_loaded", {})

    def keep(*distributions):
        monkeypatch.setattr(
            registry,
            "_entry_points",
            lambda: [entry for entry in found() if entry.dist.name in distributions],
        )

    keep()
    return keep


def test_a_provider_is_listed_without_being_imported(acme, only):
    only("acme-cloudkit")
    assert installed_providers() == [ProviderInfo("acme", "acme-cloudkit", "1.2")]
    assert "acme_cloud" not in sys.modules


def test_a_provider_is_loaded_once(acme):
    kind = load_provider("acme")
    assert kind.__name__ == "AcmeCloud"
    assert load_provider("acme") is kind


@pytest.mark.parametrize("member", list(ProviderType))
def test_a_known_one_that_is_missing_names_the_command(member, only):
    with pytest.raises(ProviderNotInstalledError, match=f"pip install cloudkit-{member}$"):
        load_provider(member)


def test_an_unknown_one_gets_a_suggestion_and_the_list(acme, only):
    only("acme-cloudkit")
    with pytest.raises(ProviderNotFoundError, match=r"Did you mean 'azure'\? Installed: acme\."):
        load_provider("azur")
    with pytest.raises(ProviderNotFoundError, match=r"Did you mean 'acme'\?"):
        load_provider("acmee")
    with pytest.raises(ProviderNotFoundError, match=r"no provider 'zzz'\. Installed: acme\.$"):
        load_provider("zzz")
    only()
    with pytest.raises(ProviderNotFoundError, match=r"Installed: none\.$"):
        load_provider("zzz")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "acme_broken:Cloud",
            "cannot be imported: ModuleNotFoundError: No module named 'acme_sdk'",
        ),
        ("acme_missing:Cloud", "cannot be imported: ModuleNotFoundError"),
        ("acme_good:Nothing", "cannot be imported: AttributeError"),
        ("acme_good:number", "is no provider: acme_good:number is not a subclass"),
        ("acme_good:Other", "is no provider"),
    ],
)
def test_a_provider_that_cannot_be_used(install, value, message):
    install(
        "acme-broken",
        {"broken": value},
        acme_broken="import acme_sdk",
        acme_good="number = 7\nclass Other: pass",
    )
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_provider("broken")
    assert "acme-broken" in str(caught.value)
    assert (caught.value.__cause__ is None) == ("no provider" in message)


def test_two_distributions_with_one_name(install):
    install("acme-one", {"acme": "acme_one:Cloud"})
    install("acme-two", {"acme": "acme_two:Cloud"})
    with pytest.raises(
        ConfigurationError, match=r"'acme' is claimed by acme-one and acme-two\. Un"
    ):
        load_provider("acme")
    found = [info.distribution for info in installed_providers() if info.name == "acme"]
    assert found == ["acme-one", "acme-two"]
