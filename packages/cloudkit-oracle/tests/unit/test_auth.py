"""Signing in: with options, profiles, tokens, and as what the program runs on."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloudkit.common import (
    AccessKeyCredentials,
    ConfigurationError,
    MissingCredentialsError,
    SigningKeyCredentials,
    TokenCredentials,
)
from cloudkit.oracle import OracleConfig
from cloudkit.oracle.auth import RESOURCE_VARIABLE, sign_in

TENANCY = "ocid1.tenancy.oc1..a"
USER = "ocid1.user.oc1..a"
FINGERPRINT = ":".join(["00"] * 16)
KEY_ID = f"{TENANCY}/{USER}/{FINGERPRINT}"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch, tmp_path):
    """Neither files nor variables of who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(RESOURCE_VARIABLE, raising=False)


@pytest.fixture
def key_file(tmp_path: Path, private_key: str) -> str:
    path = tmp_path / "key.pem"
    path.write_text(private_key)
    return str(path)


@pytest.fixture
def profiles(tmp_path: Path, key_file: str) -> str:
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    path = tmp_path / "profiles"
    path.write_text(
        f"[DEFAULT]\ntenancy={TENANCY}\nregion=eu-frankfurt-1\nkey_file={key_file}\n"
        f"[user]\nuser={USER}\nfingerprint={FINGERPRINT}\n"
        f"[session]\nsecurity_token_file={token}\nfingerprint={FINGERPRINT}\n"
        f"[half]\nuser={USER}\n"
    )
    return str(path)


def signed_in(credentials=None, **options):
    return sign_in(OracleConfig.load(options, {}), credentials)


def test_a_key_of_options(key_file):
    found = signed_in(tenancy=TENANCY, user=USER, fingerprint=FINGERPRINT, key_file=key_file)
    assert found.signer.api_key == KEY_ID
    assert found.tenancy == TENANCY


def test_a_key_that_is_given_itself(private_key):
    found = signed_in(tenancy=TENANCY, user=USER, fingerprint=FINGERPRINT, key_content=private_key)
    assert found.signer.api_key == KEY_ID
    assert "PRIVATE" not in repr(found)


def test_a_profile(profiles):
    found = signed_in(config_file=profiles, profile="user")
    assert found.signer.api_key == KEY_ID
    assert (found.tenancy, found.region) == (TENANCY, "eu-frankfurt-1")


def test_a_session_token_of_a_profile(profiles):
    found = signed_in(config_file=profiles, profile="session")
    assert found.signer.api_key == "ST$t0ken"
    assert found.tenancy == TENANCY


def test_a_session_token_of_options(tmp_path, key_file):
    (tmp_path / "token").write_text("other")
    found = signed_in(security_token_file=str(tmp_path / "token"), key_file=key_file)
    assert found.signer.api_key == "ST$other"


def test_credentials_of_an_auth_provider(private_key, key_file):
    credentials = SigningKeyCredentials(
        tenancy=TENANCY, user=USER, fingerprint=FINGERPRINT, private_key=private_key
    )
    assert signed_in(credentials).signer.api_key == KEY_ID
    token = TokenCredentials(token="given")
    assert signed_in(token, key_file=key_file).signer.api_key == "ST$given"
    with pytest.raises(MissingCredentialsError, match="key_file"):
        signed_in(token)
    with pytest.raises(ConfigurationError, match="AccessKeyCredentials"):
        signed_in(AccessKeyCredentials(access_key_id="a", secret_access_key="b"))


def test_nothing_at_all():
    with pytest.raises(MissingCredentialsError) as caught:
        signed_in()
    assert "oci setup config" in str(caught.value)


def test_a_profile_that_is_missing_is_named(profiles):
    with pytest.raises(ConfigurationError, match=r"profiles has no profile 'nobody'"):
        signed_in(config_file=profiles, profile="nobody")


def test_half_a_key_says_what_is_missing(profiles):
    with pytest.raises(MissingCredentialsError, match="fingerprint"):
        signed_in(config_file=profiles, profile="half")
    with pytest.raises(MissingCredentialsError, match="fingerprint, key_file, tenancy"):
        signed_in(user=USER)


@pytest.mark.parametrize("way", ["resource_principal", "oke_workload_identity"])
def test_a_resource_that_is_none_says_so(way):
    with pytest.raises(ConfigurationError, match="signing in is not set up"):
        signed_in(authentication=way)


def test_a_resource_is_found_by_its_variables(monkeypatch):
    monkeypatch.setenv(RESOURCE_VARIABLE, "0.0")
    with pytest.raises(ConfigurationError, match=RESOURCE_VARIABLE):
        signed_in()


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigurationError, match="no-such-file"):
        signed_in(tenancy=TENANCY, user=USER, fingerprint=FINGERPRINT, key_file="/no-such-file")
