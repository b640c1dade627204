"""The wheels of this repository install in any combination; taking one away leaves the others."""

import json
import subprocess
import sys
import sysconfig
import tomllib
from itertools import chain, combinations
from pathlib import Path

import pytest

from tools import release

PROBE = """
import importlib, importlib.metadata, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
points = importlib.metadata.entry_points(group="cloudkit.providers")
print(json.dumps({
    "origin": importlib.import_module("cloudkit").__file__,
    "providers": sorted(point.name for point in points),
    "loaded": sorted(point.load().__name__ for point in points),
}))
"""
FOLDERS = {folder.name: folder for folder in release.distributions(release.ROOT)}
ADDITIONS = sorted(set(FOLDERS) - {"cloudkit-core"})
# Up to two beside the core, and all: more would say nothing new, and eight have 128 subsets.
COMBINATIONS = sorted(
    {
        frozenset(chosen)
        for size in (0, 1, 2, len(ADDITIONS))
        for chosen in combinations(ADDITIONS, size)
    },
    key=lambda chosen: (len(chosen), sorted(chosen)),
)


class Environment:
    """A virtual environment with the third-party packages of this one, and none of ours."""

    def __init__(self, folder: Path, third_party: Path) -> None:
        self.python = folder / "bin" / "python"
        _run("uv", "venv", "--quiet", "--offline", "--python", sys.executable, str(folder))
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "third_party.pth").write_text(f"{third_party}\n")
        self.site = site

    def install(self, wheels: list[Path]) -> None:
        _run(*self._pip("install"), "--offline", "--no-deps", *map(str, wheels))

    def uninstall(self, name: str) -> None:
        _run(*self._pip("uninstall"), name)

    def _pip(self, action: str) -> list[str]:
        return ["uv", "pip", action, "--quiet", "--python", str(self.python)]

    def probe(self, names: set[str]) -> dict[str, object]:
        """Import packages and load every provider that the environment registers."""
        output = _run(str(self.python), "-I", "-c", PROBE, *sorted(packages(names)))
        found: dict[str, object] = json.loads(output)
        return found


def _run(*command: str) -> str:
    arguments = [sys.executable, "-m", *command] if command[0] == "uv" else list(command)
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def packages(names: set[str]) -> set[str]:
    """The packages of distributions, as they are imported."""
    found = chain.from_iterable(FOLDERS[name].glob("src/cloudkit/*/__init__.py") for name in names)
    return {f"cloudkit.{path.parent.name}" for path in found}


def providers(names: set[str]) -> list[str]:
    """The providers that distributions register."""
    tables = [tomllib.loads((FOLDERS[name] / "pyproject.toml").read_text()) for name in names]
    points = [table["project"].get("entry-points", {}) for table in tables]
    return sorted(chain.from_iterable(point.get("cloudkit.providers", {}) for point in points))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of every distribution, by its name."""
    built = release.build(release.ROOT, tmp_path_factory.mktemp("dist"))
    found = (path for path in built if path.suffix == ".whl")
    return {path.name.partition("-")[0].replace("_", "-"): path for path in found}


@pytest.fixture(scope="module")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to what is installed here, but for our own editable distributions."""
    folder = tmp_path_factory.mktemp("third-party")
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not path.name.startswith(("cloudkit", "_cloudkit")) and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def environment(tmp_path: Path, third_party: Path) -> Environment:
    return Environment(tmp_path / "environment", third_party)


def test_every_distribution_has_a_wheel(wheels: dict[str, Path]) -> None:
    assert wheels.keys() == FOLDERS.keys()


@pytest.mark.parametrize("chosen", COMBINATIONS, ids=lambda chosen: "+".join(sorted(chosen)))
def test_a_combination_installs(
    environment: Environment, wheels: dict[str, Path], chosen: frozenset[str]
) -> None:
    names = {"cloudkit-core", *chosen}
    environment.install([wheels[name] for name in sorted(names)])
    found = environment.probe(names)
    assert found["providers"] == providers(names)
    assert found["origin"] is None, "cloudkit must stay a namespace without a file"


@pytest.mark.parametrize("removed", ADDITIONS)
def test_uninstalling_one_leaves_the_others(
    environment: Environment, wheels: dict[str, Path], removed: str
) -> None:
    environment.install(list(wheels.values()))
    environment.uninstall(removed)
    left = set(FOLDERS) - {removed}
    assert environment.probe(left)["providers"] == providers(left)
    gone = packages({removed})
    assert not [name for name in gone if (environment.site / name.replace(".", "/")).exists()]


def test_uninstalling_the_core_leaves_the_files_of_the_others(
    environment: Environment, wheels: dict[str, Path]
) -> None:
    environment.install(list(wheels.values()))
    environment.uninstall("cloudkit-core")
    kept = packages(set(ADDITIONS))
    assert kept
    assert all((environment.site / name.replace(".", "/")).is_dir() for name in kept)
    environment.install([wheels["cloudkit-core"]])
    assert environment.probe(set(FOLDERS))["providers"] == providers(set(FOLDERS))


def test_the_plugin_loads_without_a_warning_and_explains_assertions(
    environment: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    environment.install([wheels["cloudkit-core"], wheels["cloudkit-testing"]])
    test = tmp_path / "test_plugin.py"
    test.write_text(
        "from cloudkit.testing import waiting\n\n"
        "def test_it():\n    assert '@pytest_ar' in vars(waiting), 'not rewritten'\n"
    )
    options = ["-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist"]
    _run(str(environment.python), "-m", "pytest", *options, "--rootdir", str(tmp_path), str(test))
