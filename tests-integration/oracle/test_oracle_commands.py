"""The ``cloudkit`` command on Oracle Cloud, as the doubles have it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import CALLS, CommandSuite, Run, Setting, cli, fresh_name, setting
from emulators.cloud_storage import cloud_storage
from emulators.google import create_service_account
from emulators.oracle import new_key
from emulators.process import Server
from oracle.conftest import COMPARTMENT

__all__ = ["cli", "setting"]


@pytest.fixture(scope="module")
def google_storage() -> Iterator[Server]:
    """Cloud Storage."""
    with cloud_storage() as server:
        yield server


class TestCommands(CommandSuite):
    scheme = "oci"
    provider = "oracle"
    knows_parts = False
    binds_type = False
    application = "suite/"
    secrets = ("BEGIN PRIVATE KEY",)

    @pytest.fixture
    def services(self, setting: Setting, oci_double: Server, config: dict[str, Any]) -> None:
        """All of them, at one address."""
        names = ("object_storage", "nosql", "queue", "streaming", "notifications", "functions")
        setting(
            OCI_CLI_TENANCY=config["tenancy"],
            OCI_CLI_USER=config["user"],
            OCI_CLI_FINGERPRINT=config["fingerprint"],
            OCI_CLI_KEY_CONTENT=config["key_content"],
            OCI_CLI_REGION=config["region"],
            CLOUD_COMPARTMENT=COMPARTMENT,
            **{f"CLOUD_{name.upper()}_ENDPOINT": oci_double.url for name in names},
        )

    @pytest.fixture
    def storage(self, services: None) -> None:
        """One of them."""

    @pytest.fixture
    def documents(self, services: None) -> None:
        """One of them."""

    @pytest.fixture
    def queues(self, services: None) -> None:
        """One of them."""

    @pytest.fixture
    def topics(self, services: None) -> None:
        """One of them."""

    @pytest.fixture
    def functions(self, services: None) -> None:
        """One of them."""

    @pytest.fixture
    def other_bucket(self, cli: Run, tmp_path: Path, google_storage: Server) -> str:
        """A bucket of Google Cloud."""
        key = create_service_account(google_storage.url, "tests", "tester")
        (tmp_path / "key.json").write_text(json.dumps(key))
        Path("cloudkit.toml").write_text(
            f'[profiles.google]\nprovider = "gcp"\nstorage_endpoint = "{google_storage.url}"\n'
            f'credentials_file = "{tmp_path}/key.json"\n'
        )
        url = f"google:{fresh_name()}"
        cli("mb", url)
        return url

    def test_the_doctor(self, cli: Run, bucket: str) -> None:
        found = self.examine(cli, bucket)
        assert {row["status"] for row in found.values()} == {"ok"}, found
        assert "OCI_CLI_KEY_CONTENT" in found["credentials"]["detail"]

    def test_the_doctor_on_a_key_that_is_refused(
        self, cli: Run, services: None, setting: Setting
    ) -> None:
        setting(OCI_CLI_KEY_CONTENT=new_key()[0])
        found = self.examine(cli, "oracle", code=4)
        for check in CALLS:
            assert found[check]["status"] == "denied", found[check]
        assert found["endpoint"]["status"] == "ok"  # it answered
