"""The ``cloudkit`` command on Google Cloud: doubles of storage and functions, Google's emulators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudkit.testing import closed_port
from commands import CommandSuite, Run, Setting, cli, fresh_name, setting
from emulators import azurite as azurite_server
from emulators.google import create_service_account
from emulators.google_cloud import google_cloud
from emulators.process import HOST, Server

__all__ = ["cli", "setting"]

PROJECT, LOCATION = "tests", "europe-west1"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Storage and functions, with the same accounts."""
    with google_cloud(PROJECT, LOCATION, "cloudkit.testing.functions.handlers:HANDLERS") as running:
        yield running


class TestCommands(CommandSuite):
    scheme = "gs"
    provider = "gcp"
    secrets = ("BEGIN PRIVATE KEY",)
    counts_messages = False

    @pytest.fixture
    def account(self, setting: Setting, server: Server, tmp_path: Path) -> Path:
        """The key file of a service account."""
        path = tmp_path / "key.json"
        path.write_text(json.dumps(create_service_account(server.url, PROJECT, "tester")))
        setting(CLOUD_CREDENTIALS_FILE=path, CLOUD_IAM_ENDPOINT=server.url)
        return path

    @pytest.fixture
    def storage(self, setting: Setting, server: Server, account: Path) -> None:
        setting(STORAGE_EMULATOR_HOST=server.url)

    @pytest.fixture
    def functions(self, setting: Setting, server: Server, account: Path) -> None:
        setting(CLOUD_FUNCTIONS_ENDPOINT=server.url, CLOUD_REGION=LOCATION)

    @pytest.fixture
    def documents(self, setting: Setting, firestore_server: Server) -> None:
        setting(FIRESTORE_EMULATOR_HOST=firestore_server.url, GOOGLE_CLOUD_PROJECT=PROJECT)

    @pytest.fixture
    def queues(self, setting: Setting, pubsub_emulator: Server) -> None:
        setting(PUBSUB_EMULATOR_HOST=pubsub_emulator.url, GOOGLE_CLOUD_PROJECT=PROJECT)

    @pytest.fixture
    def topics(self, queues: None) -> None:
        """They are the same service."""

    @pytest.fixture
    def other_bucket(self, cli: Run, setting: Setting, azurite: Server) -> str:
        """A container of Azure."""
        setting(
            AZURE_STORAGE_SERVICE_ENDPOINT=azurite.url,
            AZURE_STORAGE_ACCOUNT=azurite_server.ACCOUNT,
            AZURE_STORAGE_KEY=azurite_server.KEY,
        )
        url = f"az://{fresh_name()}"
        cli("mb", url)
        return url

    @pytest.fixture
    def others_closed(self, setting: Setting) -> Iterator[None]:
        """Where nobody listens: the services that a test does not use."""
        with closed_port() as port:
            url = f"http://{HOST}:{port}"
            setting(FIRESTORE_EMULATOR_HOST=url, PUBSUB_EMULATOR_HOST=url)
            setting(GOOGLE_CLOUD_PROJECT=PROJECT)
            yield

    def test_the_doctor(
        self, cli: Run, bucket: str, account: Path, functions: None, others_closed: None
    ) -> None:
        found = self.examine(cli, bucket, code=8)
        name = bucket.partition("//")[2]
        for check in ("storage.list_buckets", f"objects of {name}", "functions.list_functions"):
            assert found[check]["status"] == "ok", found
        for check in ("kv.list_tables", "queue.list_queues", "pubsub.list_topics"):
            assert found[check]["status"] == "no answer", found
        assert str(account) in found["credentials"]["detail"]

    def test_the_doctor_on_a_key_that_is_refused(
        self,
        cli: Run,
        storage: None,
        functions: None,
        account: Path,
        others_closed: None,
    ) -> None:
        key = json.loads(account.read_text())
        stranger = "nobody@tests.iam.gserviceaccount.com"
        account.write_text(json.dumps({**key, "client_email": stranger}))
        found = self.examine(cli, "gcp", code=1)  # some are denied, some do not answer
        assert found["storage.list_buckets"]["status"] == "denied"
        assert found["functions.list_functions"]["status"] == "denied"
