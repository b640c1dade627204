from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from cloudkit.common import (
    ClientClosedError,
    ConfigurationError,
    ProviderNotFoundError,
    ProviderNotInstalledError,
    Region,
    UnsupportedOperationError,
)
from cloudkit.core import registry
from cloudkit.facade import CloudKit, Installed


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(registry, "_loaded", {})
    monkeypatch.setattr(registry, "_entry_points", list)


@pytest.mark.parametrize("name", ["aws", "azure", "gcp", "oracle", "local"])
def test_an_attribute_without_its_distribution_says_what_to_install(name, nothing_installed):
    with pytest.raises(ProviderNotInstalledError, match=f"pip install cloudkit-{name}"):
        getattr(CloudKit, name)


def test_an_attribute_is_the_providers_own_class(acme):
    class Kit:
        acme = Installed("acme")

    assert Kit.acme.__name__ == "AcmeCloud"
    assert type(Kit.acme(colour="blue")) is Kit.acme is Kit().acme


def test_connect_by_name(acme):
    cloud = CloudKit.connect("acme", region="eu-1", colour="blue")
    assert type(cloud).__name__ == "AcmeCloud"
    assert cloud.region == Region("eu-1")
    assert cloud.config.colour == "blue"


def test_connect_by_url(acme):
    cloud = CloudKit.connect(
        "ACME://eu-1?colour=deep%20blue&timeout=5&endpoint=http://127.0.0.1:1/x"
    )
    assert cloud.region == Region("eu-1")
    assert (cloud.config.colour, cloud.config.timeout) == ("deep blue", 5.0)
    assert cloud.config.endpoint == "http://127.0.0.1:1/x"


def test_options_come_before_those_of_the_url(acme):
    assert CloudKit.connect("acme://eu-1?colour=blue", colour="green").config.colour == "green"
    assert CloudKit.connect("acme://").region is None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("acme://user:hunter2@eu-1", "must not hold a user or password"),
        ("acme://hunter2@eu-1", "must not hold a user or password"),
        ("acme://eu-1/some/path", "has no path, but this one has '/some/path'"),
        ("acme://eu-1?colour", "not a valid acme URL"),
        ("acme://eu-1?colour=a&colour=b", "names an option twice"),
        ("acme://eu-1?region=b", "sets region twice"),
        ("acme://eu-1#part", "has no fragment"),
        ("acme://[eu-1", "not a valid acme URL"),
        ("acme://eu_1:80", "not a region name"),
        ("acme://?colr=blue", "did you mean 'colour'"),
        ("acme://?timeout=soon", "timeout has a value that cannot be understood"),
        ("acme://?retry=none", "retry must be RetryPolicy, not str"),
        ("acme:", "Write 'acme' or 'acme://...'"),
        ("acme:/srv/demo", "is neither a name nor a URL"),
    ],
)
def test_a_bad_url(acme, url, message):
    with pytest.raises(ConfigurationError) as caught:
        CloudKit.connect(url)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["asw", "asw://eu-1", "s3:bucket", "", " ", "://x", "1://x"])
def test_an_unknown_provider(name, nothing_installed):
    with pytest.raises(ProviderNotFoundError):
        CloudKit.connect(name)


def test_a_misspelt_option(acme):
    with pytest.raises(ConfigurationError, match=r"'regoin'.*acme provider; did you mean 'region'"):
        CloudKit.connect("acme", regoin="x")


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    file = tmp_path / "cloudkit.toml"
    file.write_text(
        '[profiles.default]\nprovider = "acme"\ncolour = "blue"\ntimeout = 5\n'
        '[profiles.wrong]\nprovider = "acme"\ncolor = "blue"\n'
        '[profiles.unknown]\nprovider = "acmee"\n'
    )
    monkeypatch.delenv("CLOUD_PROFILE", raising=False)
    monkeypatch.setenv("CLOUD_CONFIG_FILE", str(file))
    return file


def test_from_profile(acme, profiles):
    cloud = CloudKit.from_profile(timeout=7)
    assert (cloud.config.colour, cloud.config.timeout) == ("blue", 7.0)
    assert CloudKit.from_profile("default", path=profiles).config.timeout == 5.0


def test_a_bad_profile(acme, profiles):
    with pytest.raises(ConfigurationError, match="did you mean 'colour'"):
        CloudKit.from_profile("wrong")
    with pytest.raises(ProviderNotFoundError, match="Did you mean 'acme'"):
        CloudKit.from_profile("unknown")


class TestBaseCloud:
    pytestmark = pytest.mark.anyio

    async def test_a_contract_is_made_once_when_it_is_used(self, acme):
        cloud = CloudKit.connect("acme")
        assert type(cloud).made == 0
        assert cloud.storage is cloud.storage
        assert cloud.storage == ["storage", "acme"]
        assert type(cloud).made == 1

    async def test_a_contract_that_is_left_out(self, acme):
        cloud = CloudKit.connect("acme")
        for name in ("kv", "queue", "pubsub", "functions"):
            with pytest.raises(UnsupportedOperationError, match="acme: this provider has no") as e:
                getattr(cloud, name)
            assert e.value.capability == name

    async def test_entering_and_closing_twice(self, acme):
        cloud = CloudKit.connect("acme")
        async with cloud as entered:
            assert entered is cloud
            async with cloud:
                assert await cloud._context.run_sync(int) == 0
        assert cloud.closed
        await cloud.aclose()
        with pytest.raises(ClientClosedError):
            await cloud._context.run_sync(int)
        with pytest.raises(ClientClosedError, match="has been closed"):
            await cloud.__aenter__()

    async def test_it_cannot_be_sent_to_another_process(self, acme):
        async with CloudKit.connect("acme") as cloud:
            with pytest.raises(TypeError, match="make one there, with the same options"):
                pickle.dumps(cloud)

    async def test_it_works_without_async_with(self, acme):
        cloud = CloudKit.connect("acme")
        assert await cloud._context.run_sync(int) == 0
        await cloud.aclose()

    async def test_its_repr(self, acme):
        cloud = CloudKit.connect("acme", region="eu-1", token="s3cret")
        assert repr(cloud) == "<AcmeCloud region=eu-1>"
        await cloud.aclose()
        assert repr(cloud) == "<AcmeCloud region=eu-1 closed>"


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_the_prelude_imports_neither_contracts_nor_providers():
    loaded = python(
        "import sys\n"
        "from cloudkit.prelude import CloudKit, NotFoundError\n"
        "print(*(m for m in sys.modules if m.startswith('cloudkit.')))"
    ).split()
    assert "cloudkit.facade" in loaded
    assert not [m for m in loaded if m.split(".")[1] not in {"common", "core", "facade", "prelude"}]
    assert "importlib.metadata" not in loaded


def test_every_name_of_the_prelude_exists():
    from cloudkit import api, common, facade, prelude, spi

    assert len(prelude.__all__) == len(set(prelude.__all__))
    for name in prelude.__all__:
        homes = [home for home in (api, common, facade, spi) if hasattr(home, name)]
        assert [getattr(home, name) for home in homes] == [getattr(prelude, name)]
    assert {n for n in common.__all__ if n.endswith("Error")} <= set(prelude.__all__)
    assert {n for n in common.__all__ if n.endswith("Credentials")} <= set(prelude.__all__)
    assert dir(prelude) == sorted(prelude.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = prelude.Nothing


def test_star_import():
    assert python("from cloudkit.prelude import *\nprint(CloudKit.__name__)") == "CloudKit\n"
