"""Where credentials come from is told, and what they are is not."""

import os

import pytest
from cloudkit.azure import AzureCloud

pytestmark = pytest.mark.anyio
SECRET = "dGhlLXNlY3JldC1pdHNlbGY="


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch):
    for name in [*os.environ]:
        if name.startswith(("AZURE_", "CLOUD_")):
            monkeypatch.delenv(name)


async def sources(**options):
    async with AzureCloud(**options) as cloud:
        found = await cloud.credential_sources()
    assert SECRET not in str(found)
    return found


async def test_a_key_of_an_option_and_of_a_variable(monkeypatch):
    assert (await sources(storage_key=SECRET))["storage"] == "storage key (option storage_key)"
    monkeypatch.setenv("AZURE_STORAGE_KEY", SECRET)
    assert (await sources())["storage"] == "storage key (variable AZURE_STORAGE_KEY)"


async def test_each_service_has_its_own():
    found = await sources(cosmos_key=SECRET, endpoint="http://127.0.0.1:10000")
    assert found["storage"] == "the published key of the storage emulator"
    assert found["kv"] == "cosmos key (option cosmos_key)"
    assert found["queue"].startswith("Entra ID: ")
    assert found["functions"] == "none, functions are called without a key"


async def test_an_application():
    found = await sources(tenant_id="t", client_id="c", client_secret=SECRET)
    assert found["queue"] == "Entra ID, as application c (option client_secret)"
