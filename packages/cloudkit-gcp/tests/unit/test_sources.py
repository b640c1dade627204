"""Where credentials come from is told, and what they are is not."""

import pytest
from cloudkit.common import ConfigurationError, TokenCredentials
from cloudkit.gcp import GcpCloud

pytestmark = pytest.mark.anyio
SECRET = "the-secret-itself"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch):
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")


async def sources(**options):
    async with GcpCloud(**options) as cloud:
        found = await cloud.credential_sources()
    assert SECRET not in str(found)
    return found


async def test_none():
    assert await sources(anonymous=True) == {"": "none, requests are unsigned (option anonymous)"}


async def test_emulators():
    found = await sources(endpoint="http://127.0.0.1:9")
    assert found["storage"] == "none, requests to an emulator are unsigned"


async def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await sources(credentials_file=str(tmp_path / "key.json"))


async def test_an_auth_provider():
    assert await sources(auth=TokenCredentials(token=SECRET)) == {
        "": "TokenCredentials of the AuthProvider StaticAuthProvider (option auth)"
    }
