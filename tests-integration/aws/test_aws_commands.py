"""The ``cloudkit`` command on AWS: moto, and the double of Lambda."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws.clouds import REGION, SECRET
from commands import CALLS, CommandSuite, Run, Setting, cli, fresh_name, setting
from emulators.process import Server

__all__ = ["cli", "setting"]


class TestCommands(CommandSuite):
    scheme = "s3"
    provider = "aws"
    secrets = (SECRET,)

    @pytest.fixture
    def storage(self, setting: Setting, moto: Server) -> None:
        setting(
            AWS_ENDPOINT_URL=moto.url,
            AWS_REGION=REGION,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY=SECRET,
        )

    @pytest.fixture
    def documents(self, storage: None) -> None:
        """One of moto's services."""

    @pytest.fixture
    def queues(self, storage: None) -> None:
        """One of moto's services."""

    @pytest.fixture
    def topics(self, storage: None) -> None:
        """One of moto's services."""

    @pytest.fixture
    def functions(self, setting: Setting, storage: None, lambda_double: Server) -> None:
        setting(AWS_ENDPOINT_URL_LAMBDA=lambda_double.url)

    @pytest.fixture
    def other_bucket(self, cli: Run, tmp_path: Path) -> str:
        """A bucket of the local provider."""
        url = f"local://{tmp_path}/other//{fresh_name()}"
        cli("mb", url)
        return url

    def test_the_doctor(self, cli: Run, bucket: str, functions: None) -> None:
        found = self.examine(cli, bucket)
        for check in CALLS:
            assert found[check]["status"] == "ok", found[check]
        assert found["credentials"]["detail"] == "variable AWS_ACCESS_KEY_ID"

    def test_the_doctor_on_a_key_that_is_refused(
        self, cli: Run, functions: None, setting: Setting
    ) -> None:
        # The double of Lambda looks at signatures, and moto does not.
        setting(AWS_SECRET_ACCESS_KEY="no-secret-of-anybody")
        found = self.examine(cli, "aws", code=4)
        assert found["functions.list_functions"]["status"] == "denied"
        assert found["storage.list_buckets"]["status"] == "ok"
        assert "no-secret-of-anybody" not in str(found)
