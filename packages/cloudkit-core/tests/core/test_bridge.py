"""Credentials at hand where nothing can be awaited."""

from __future__ import annotations

import pytest
from cloudkit.common import MissingCredentialsError, TokenCredentials
from cloudkit.core import CredentialBridge
from cloudkit.spi import AuthProvider

pytestmark = pytest.mark.anyio


class Vault(AuthProvider):
    """A file, say, in which somebody puts another token now and then."""

    def __init__(self):
        self.token = "1"

    async def get_credentials(self):
        return TokenCredentials(token=self.token)


async def test_credentials_are_at_hand_once_they_were_asked_for():
    bridge = CredentialBridge(Vault())
    with pytest.raises(MissingCredentialsError, match="prepare"):
        bridge.current()
    await bridge.prepare()
    assert bridge.current() == TokenCredentials(token="1")


async def test_renewing_tells_whether_there_are_others():
    vault = Vault()
    bridge = CredentialBridge(vault)
    await bridge.prepare()
    assert not await bridge.renew()
    vault.token = "2"
    assert await bridge.renew()
    assert bridge.current() == TokenCredentials(token="2")
