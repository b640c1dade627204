"""A small repository that keeps the folder plan, to be broken in one way at a time."""

from pathlib import Path

import pytest

from tools.check_layout import (
    CONTRACT_ROOMS,
    CONTRACTS,
    PROVIDER_ROOMS,
    SDK_ROOMS,
    VERSION_PATH,
)
from tools.release import VERSION_FILE

LICENSE = "Apache License\n"
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
dynamic = ["version"]
requires-python = ">=3.11"
license-files = ["LICENSE"]
readme = "README.md"
dependencies = [{dependencies}]
{extra}
[tool.hatch.version]
path = "{version_path}"

[tool.hatch.build.targets.wheel]
packages = ["src/cloudkit"]

[tool.hatch.build.targets.sdist]
include = ["/src", "/README.md", "/LICENSE"]
"""


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def add_distribution(root: Path, name: str, dependencies: str = "", extra: str = "") -> Path:
    folder = root / "packages" / name
    write(folder / "LICENSE", LICENSE)
    write(folder / "README.md", f"# {name}\n")
    text = PYPROJECT.format(
        name=name, dependencies=dependencies, extra=extra, version_path=VERSION_PATH
    )
    write(folder / "pyproject.toml", text)
    return folder


def add_package(root: Path, folder: Path, name: str) -> Path:
    package = folder / "src" / "cloudkit" / name
    write(package / "__init__.py", f'"""The package {name}."""\n')
    write(package / "py.typed")
    write(root / f"docs/content/reference/{name}.md", f"::: cloudkit.{name}\n")
    return package


def add_provider(root: Path, name: str, *, sdk: bool) -> Path:
    extra = f'\n[project.entry-points."cloudkit.providers"]\n{name} = "cloudkit.{name}:Cloud"\n'
    folder = add_distribution(root, f"cloudkit-{name}", '"cloudkit-core==1.2.3"', extra)
    package = add_package(root, folder, name)
    for room in (*PROVIDER_ROOMS, *(SDK_ROOMS if sdk else ())):
        write(package / room, '"""A room."""\n')
    return package


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Core, a provider without an SDK and one with."""
    root = tmp_path / "repository"
    for name, text in {"LICENSE": LICENSE, "README.md": "# CloudKit\n", "hatch.toml": ""}.items():
        write(root / name, text)
    core = add_distribution(root, "cloudkit-core")
    write(root / VERSION_FILE, '"""The version."""\n\n__version__ = "1.2.3"\n')
    for layer in ("common", "spi", "api", "core", "facade", "prelude"):
        add_package(root, core, layer)
    for contract in CONTRACTS:
        for room in CONTRACT_ROOMS:
            write(core / "src/cloudkit/api" / contract / room, '"""A room."""\n')
    add_provider(root, "local", sdk=False)
    add_provider(root, "aws", sdk=True)
    write(root / "tools/release.py", '"""A tool."""\n')
    return root
