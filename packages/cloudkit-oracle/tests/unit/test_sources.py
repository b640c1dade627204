"""Where credentials come from is told, and what they are is not."""

import pytest
from cloudkit.common import MissingCredentialsError
from cloudkit.oracle import OracleCloud

pytestmark = pytest.mark.anyio
SECRET = "the-secret-itself"


async def source(**options):
    async with OracleCloud(**options) as cloud:
        (text,) = (await cloud.credential_sources()).values()
    assert SECRET not in text
    return text


async def test_an_api_key():
    assert (
        await source(tenancy="t", user="u", fingerprint="f", key_content=SECRET)
        == "API key of user u (option key_content)"
    )


async def test_a_profile(tmp_path):
    path = tmp_path / "config"
    with pytest.raises(MissingCredentialsError, match="oci setup config"):
        await source(config_file=str(path), profile="WORK")
    path.write_text("[WORK]\n")
    assert await source(config_file=str(path), profile="WORK") == (
        f"profile WORK of {path} (option profile)"
    )


async def test_a_principal():
    assert await source(authentication="instance_principal") == (
        "instance principal (option authentication)"
    )
