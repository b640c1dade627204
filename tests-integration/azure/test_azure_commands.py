"""The ``cloudkit`` command on Azure: Azurite, and the doubles of the other services."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from commands import CALLS, CommandSuite, Run, Setting, cli, fresh_name, setting
from emulators import azurite as azurite_server
from emulators.azure_functions import MASTER_KEY
from emulators.cosmos import KEY as COSMOS_KEY
from emulators.event_grid import GROUP, NAMESPACE, SUBSCRIPTION_ID, TOKEN
from emulators.event_grid import KEY as EVENT_GRID_KEY
from emulators.process import Server
from emulators.service_bus import KEY as SERVICE_BUS_KEY
from emulators.service_bus import connection_string

__all__ = ["cli", "setting"]


class TestCommands(CommandSuite):
    scheme = "az"
    provider = "azure"
    knows_parts = False
    binds_type = False
    secrets = (azurite_server.KEY, COSMOS_KEY, SERVICE_BUS_KEY, EVENT_GRID_KEY, TOKEN, MASTER_KEY)

    @pytest.fixture
    def storage(self, setting: Setting, azurite: Server) -> None:
        setting(
            AZURE_STORAGE_SERVICE_ENDPOINT=azurite.url,
            AZURE_STORAGE_ACCOUNT=azurite_server.ACCOUNT,
            AZURE_STORAGE_KEY=azurite_server.KEY,
        )

    @pytest.fixture
    def documents(self, setting: Setting, cosmos_server: Server) -> None:
        setting(AZURE_COSMOS_ENDPOINT=cosmos_server.url, AZURE_COSMOS_KEY=COSMOS_KEY)

    @pytest.fixture
    def queues(self, setting: Setting, service_bus: Server) -> None:
        setting(AZURE_SERVICEBUS_CONNECTION_STRING=connection_string(service_bus.url))

    @pytest.fixture
    def topics(self, setting: Setting, event_grid_server: Server) -> None:
        setting(
            AZURE_EVENTGRID_ENDPOINT=event_grid_server.url,
            AZURE_EVENTGRID_KEY=EVENT_GRID_KEY,
            AZURE_SUBSCRIPTION_ID=SUBSCRIPTION_ID,
            AZURE_RESOURCE_GROUP=GROUP,
            CLOUD_EVENT_GRID_NAMESPACE=NAMESPACE,
            CLOUD_MANAGEMENT_ENDPOINT=event_grid_server.url,
            CLOUD_MANAGEMENT_TOKEN=TOKEN,
        )

    @pytest.fixture
    def functions(self, setting: Setting, functions_server: Server) -> None:
        setting(AZURE_FUNCTIONS_ENDPOINT=functions_server.url, AZURE_FUNCTIONS_KEY=MASTER_KEY)

    @pytest.fixture
    def other_bucket(self, cli: Run, azurite: Server) -> str:
        """A container of another account, which is another cloud."""
        Path("cloudkit.toml").write_text(
            f'[profiles.elsewhere]\nprovider = "azure"\nendpoint = "{azurite.url}"\n'
            f'account = "{azurite_server.OTHER_ACCOUNT}"\n'
            f'storage_key = "{azurite_server.OTHER_KEY}"\n'
        )
        url = f"elsewhere:{fresh_name()}"
        cli("mb", url)
        return url

    def test_the_doctor(
        self,
        cli: Run,
        storage: None,
        documents: None,
        queues: None,
        topics: None,
        functions: None,
    ) -> None:
        found = self.examine(cli, "azure")
        assert {row["status"] for row in found.values()} == {"ok"}, found
        assert found["credentials storage"]["detail"] == "storage key (variable AZURE_STORAGE_KEY)"
        assert "AZURE_COSMOS_KEY" in found["credentials kv"]["detail"]

    def test_the_doctor_on_keys_that_are_refused(
        self,
        cli: Run,
        storage: None,
        documents: None,
        queues: None,
        topics: None,
        functions: None,
        service_bus: Server,
        setting: Setting,
    ) -> None:
        wrong = b64encode(b"a key that nobody has").decode()
        setting(
            AZURE_STORAGE_KEY=wrong,
            AZURE_COSMOS_KEY=wrong,
            AZURE_SERVICEBUS_CONNECTION_STRING=connection_string(service_bus.url, key=wrong),
            CLOUD_MANAGEMENT_TOKEN=wrong,
            AZURE_FUNCTIONS_KEY=wrong,
        )
        found = self.examine(cli, "azure", code=4)
        for check in CALLS:
            assert found[check]["status"] == "denied", found[check]
        assert found["endpoint"]["status"] == "ok"  # they have answered
        assert wrong not in str(found)

    def test_the_doctor_on_what_is_not_set_up(self, cli: Run, storage: None) -> None:
        found = self.examine(cli, "azure")
        assert found["storage.list_buckets"]["status"] == "ok"
        assert found["kv.list_tables"]["status"] == "not set up"
