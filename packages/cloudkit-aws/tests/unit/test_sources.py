"""Where credentials come from is told, and what they are is not."""

import pytest
from cloudkit.aws import AwsCloud
from cloudkit.common import AccessKeyCredentials, MissingCredentialsError

pytestmark = pytest.mark.anyio
SECRET = "the-secret-itself"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


async def source(**options):
    async with AwsCloud(**options) as cloud:
        (text,) = (await cloud.credential_sources()).values()
    assert SECRET not in text
    return text


async def test_a_variable(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert await source() == "variable AWS_ACCESS_KEY_ID"
    role = "arn:aws:iam::123456789012:role/reader"
    assert await source(role_arn=role) == (
        f"role {role} (option role_arn), assumed with: variable AWS_ACCESS_KEY_ID"
    )


async def test_a_profile(monkeypatch, tmp_path):
    text = f"[work]\naws_access_key_id = AKID\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "credentials").write_text(text)
    assert await source(profile="work") == "~/.aws/credentials, profile work (option profile)"
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert await source() == "~/.aws/credentials, profile work (variable AWS_PROFILE)"


async def test_none():
    assert await source(anonymous=True) == "none, requests are unsigned (option anonymous)"
    with pytest.raises(MissingCredentialsError, match="aws configure"):
        await source()


async def test_an_auth_provider():
    given = AccessKeyCredentials(access_key_id="AKID", secret_access_key=SECRET)
    assert await source(auth=given) == (
        "AccessKeyCredentials of the AuthProvider StaticAuthProvider (option auth)"
    )
