"""Distributions made up on disk, which are found as real ones are."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
from cloudkit.core import registry

ACME = """
from typing import ClassVar, Unpack

from attrs import frozen
from cloudkit.common import Capabilities, CloudConfig, option
from cloudkit.core import BaseCloud, CloudOptions, lazy_property


class AcmeOptions(CloudOptions, total=False):
    colour: str
    token: str


@frozen(kw_only=True)
class AcmeConfig(CloudConfig):
    provider_name: ClassVar[str] = "acme"
    colour: str = option("red", doc="colour")
    token: str | None = option(doc="token", secret=True)


class AcmeCloud(BaseCloud[AcmeConfig]):
    provider = "acme"
    config_type = AcmeConfig
    made = 0

    def __init__(self, **options: Unpack[AcmeOptions]) -> None:
        super().__init__(options)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    @property
    def native(self) -> object:
        return self

    @lazy_property
    def storage(self) -> list[str]:
        type(self).made += 1
        return ["storage", self._runner.provider]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution: modules by their source, entry points by their value."""
    monkeypatch.setattr(registry, "_loaded", {})
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def make(distribution, entry_points, version="1.2", **modules):
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[cloudkit.providers]", *lines, ""]))
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(dedent(source))

    yield make
    for name in set(sys.modules) - before:
        if name.startswith("acme"):
            del sys.modules[name]


@pytest.fixture
def acme(install):
    """A provider of somebody else's."""
    install("acme-cloudkit", {"acme": "acme_cloud:AcmeCloud"}, acme_cloud=ACME)
