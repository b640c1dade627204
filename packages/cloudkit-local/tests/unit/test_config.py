"""Options, URLs and folders: what is right is used, what is wrong is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cloudkit.common import ConfigurationError
from cloudkit.local import LocalCloud
from cloudkit.prelude import CloudKit


def open_and_use(path):
    """Open a folder as a user without privileges, and report the error."""
    code = """
import os, sys
from cloudkit.local import LocalCloud
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    LocalCloud(path=sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("local://", None),
        ("local:///srv/no%20where", "/srv/no where"),
        ("local://./data/x", "./data/x"),
        ("local://../data", "../data"),
        ("local://~/data", "~/data"),
    ],
)
def test_urls(url, path):
    assert LocalCloud.options_from_url(url) == {"path": path}


def test_a_url_without_a_folder_is_memory_whatever_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUD_PATH", str(tmp_path / "cloud"))
    assert CloudKit.connect("local://").config.path is None
    assert CloudKit.connect("local://?timeout=5").config.path is None
    assert not (tmp_path / "cloud").exists()
    assert CloudKit.connect("local").config.path == tmp_path / "cloud"


def test_a_url_with_a_host_says_how_to_write_it():
    with pytest.raises(ConfigurationError, match=r"local:///data for an absolute"):
        CloudKit.connect("local://data")


def test_options_of_a_url(tmp_path):
    cloud = CloudKit.connect(f"local://{tmp_path}/a?durability=power&functions=f=json:dumps")
    assert isinstance(cloud, LocalCloud)
    assert cloud.config.durability == "power"
    assert cloud.config.functions == {"f": "json:dumps"}
    assert cloud.config.path == tmp_path / "a"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pth": "x"}, "did you mean 'path'"),
        ({"path": ""}, "must name a folder"),
        ({"path": "a\0b"}, "must name a folder"),
        ({"path": 3}, "must be a str or a Path"),
        ({"durability": "none"}, "'process' or 'power'"),
        ({"functions": ["f"]}, "must map names"),
        ({"functions": {"f": "nocolon"}}, "must be a callable"),
        ({"functions": "f"}, "name=module:callable"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigurationError, match=message):
        LocalCloud(**options)


def test_the_folder_is_made_with_its_parents(tmp_path):
    LocalCloud(path=tmp_path / "a" / "b")
    marker = tmp_path / "a" / "b" / "cloudkit-local.json"
    assert json.loads(marker.read_text()) == {"format": 1}
    LocalCloud(path=tmp_path / "a" / "b")


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert LocalCloud(path="data").config.path == tmp_path / "data"


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(ConfigurationError, match=r"thesis\.doc.*Give an empty folder"):
        LocalCloud(path=tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.doc"]


@pytest.mark.parametrize("inside", [False, True])
def test_a_file_in_place_of_the_folder(tmp_path, inside):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigurationError, match="is a file, not a folder"):
        LocalCloud(path=file / "x" if inside else file)


def test_a_newer_layout_is_refused(tmp_path):
    (tmp_path / "cloudkit-local.json").write_text('{"format": 99}')
    with pytest.raises(ConfigurationError, match=r"version 99.*Upgrade cloudkit-local"):
        LocalCloud(path=tmp_path)


def test_a_damaged_marker_is_told(tmp_path):
    (tmp_path / "cloudkit-local.json").write_text("{")
    with pytest.raises(ConfigurationError, match="is damaged"):
        LocalCloud(path=tmp_path)


@pytest.fixture
def anybodys_path():
    """A path that a user without privileges can reach."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="cloudkit-test-"))
    folder.chmod(0o755)
    yield folder
    for root, folders, _ in os.walk(folder):
        for name in folders:
            Path(root, name).chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o000, 0o555])
def test_a_folder_without_permission(anybodys_path, mode):
    folder = anybodys_path / "cloud"
    LocalCloud(path=folder)
    folder.chmod(mode)
    error = open_and_use(folder)
    assert error.startswith("ConfigurationError")
    assert str(folder) in error
    assert "permissions" in error


def test_a_folder_that_cannot_be_made(anybodys_path):
    closed = anybodys_path / "closed"
    closed.mkdir(mode=0o555)
    assert "EACCES" in open_and_use(closed / "cloud")
