"""Clients of Google Cloud that talk to doubles; what all suites of Google Cloud have in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from cloudkit.gcp import GcpCloud

PROJECT = "tests"


def make_storage_cloud(url: str, key_file: Mapping[str, Any], **options: Any) -> GcpCloud:
    """A client of the Cloud Storage at a URL, as a service account of it."""
    given: dict[str, Any] = {"project": PROJECT, "service_account_info": key_file, **options}
    return GcpCloud(storage_endpoint=url, iam_endpoint=url, **given)


class GcpClouds:
    """To be inherited before a suite.

    Attributes:
        known_defects: Names of behaviours that an emulator gets wrong, and what it does. They are
            expected to fail, and unless they are Erratic, it is an error when one of them does not.
    """

    provider: ClassVar[str | None] = "gcp"
    known_defects: ClassVar[Mapping[str, str]] = {}
    native_facts: ClassVar[Collection[str]] = ("cause", "code", "status")
    # A double on a busy machine may take a second for what is quick elsewhere.
    short_timeout: ClassVar[float] = 3.0
