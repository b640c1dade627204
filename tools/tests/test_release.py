"""The version moves in lock-step, and builds that would hurt one another are refused."""

import zipfile
from pathlib import Path

import pytest

from tools import check_layout, release


def test_bump_moves_the_version_and_the_pins(repository: Path) -> None:
    changed = release.bump(repository, "1.3.0")
    assert release.current_version(repository) == "1.3.0"
    assert [path.name for path in changed] == ["_version.py", "pyproject.toml", "pyproject.toml"]
    aws = (repository / "packages/cloudkit-aws/pyproject.toml").read_text()
    assert '"cloudkit-core==1.3.0"' in aws
    assert check_layout.check(repository) == []


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.2.3", "is not later than the current version, 1.2.3"),
        ("1.2.3rc1", "is not later"),
        ("0.9", "is not later"),
        ("soon", "is not a version"),
    ],
)
def test_bump_refuses(repository: Path, version: str, message: str) -> None:
    with pytest.raises(release.ReleaseError, match=message):
        release.bump(repository, version)
    assert release.current_version(repository) == "1.2.3"


def test_a_bumped_repository_builds_at_the_new_version(repository: Path, tmp_path: Path) -> None:
    release.bump(repository, "2.0.0")
    built = release.build(repository, tmp_path / "dist")
    assert {path.name for path in built} == {
        f"cloudkit_{name}-2.0.0{suffix}"
        for name in ("aws", "core", "local")
        for suffix in (".tar.gz", "-py3-none-any.whl")
    }
    with zipfile.ZipFile(tmp_path / "dist/cloudkit_aws-2.0.0-py3-none-any.whl") as wheel:
        names = wheel.namelist()
        metadata = wheel.read("cloudkit_aws-2.0.0.dist-info/METADATA").decode()
    assert "cloudkit_aws-2.0.0.dist-info/licenses/LICENSE" in names
    assert "cloudkit/aws/py.typed" in names
    assert "Requires-Dist: cloudkit-core==2.0.0" in metadata


def test_build_replaces_older_builds(repository: Path, tmp_path: Path) -> None:
    stale = tmp_path / "cloudkit_aws-0.0.1-py3-none-any.whl"
    foreign = tmp_path / "notes.txt"
    stale.touch()
    foreign.touch()
    release.build(repository, tmp_path)
    assert not stale.exists()
    assert foreign.exists()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("cloudkit/local/cloud.py", "both hold cloudkit/local/cloud.py"),
        ("cloudkit/__init__.py", "cloudkit_aws-.*hides every other distribution"),
    ],
)
def test_build_refuses_wheels_that_collide(
    repository: Path, tmp_path: Path, path: str, message: str
) -> None:
    stray = repository / "packages/cloudkit-aws/src" / path
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.touch()
    with pytest.raises(release.ReleaseError, match=message):
        release.build(repository, tmp_path / "dist")


def test_build_reports_what_failed(repository: Path, tmp_path: Path) -> None:
    (repository / "packages/cloudkit-aws/README.md").unlink()
    with pytest.raises(release.ReleaseError, match="the sdist of cloudkit-aws failed"):
        release.build(repository, tmp_path / "dist")


def test_a_file_outside_of_the_namespace_is_a_problem(tmp_path: Path) -> None:
    wheel = tmp_path / "cloudkit_aws-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tests/test_it.py", "")
        archive.writestr("cloudkit/aws/__init__.py", "")
        archive.writestr("cloudkit_aws-1.dist-info/METADATA", "")
    assert release.wheel_problems([wheel]) == [
        f"{wheel.name} holds tests/test_it.py, outside of the namespace cloudkit"
    ]
