from __future__ import annotations

import pytest
from cloudkit.common import ConfigurationError, load_profile, profile_names

FILE = """
[profiles.default]
provider = "local"
path = "/srv/demo"

[profiles.prod]
provider = "aws"
region = "eu-west-1"
timeout = 5

[profiles.nameless]
region = "x"
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch, tmp_path):
    for name in ("CLOUD_PROFILE", "CLOUD_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cloudkit.toml"
    path.write_text(FILE)
    return path


def test_a_profile_by_name(file):
    profile = load_profile("prod", file)
    assert (profile.name, profile.provider) == ("prod", "aws")
    assert profile.options == {"region": "eu-west-1", "timeout": 5}


def test_the_default_and_the_variable(file, monkeypatch):
    assert load_profile(path=file).provider == "local"
    monkeypatch.setenv("CLOUD_PROFILE", "prod")
    assert load_profile(path=file).provider == "aws"


def test_the_file_is_found_from_a_folder_below(file, monkeypatch, tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert load_profile("prod").provider == "aws"


def test_the_variable_names_the_file(file, monkeypatch, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text('[profiles.default]\nprovider = "gcp"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOUD_CONFIG_FILE", str(other))
    assert load_profile().provider == "gcp"


def test_the_users_configuration_comes_last(monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "xdg" / "cloudkit").mkdir(parents=True)
    (tmp_path / "xdg" / "cloudkit" / "cloudkit.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path / "empty")
    assert load_profile("prod").provider == "aws"


def test_no_file_at_all_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="CLOUD_CONFIG_FILE"):
        load_profile()


def test_a_missing_profile_lists_those_that_exist(file):
    with pytest.raises(ConfigurationError, match=r"no profile 'pord'.*default, nameless, prod"):
        load_profile("pord", file)


def test_a_profile_without_provider(file):
    with pytest.raises(ConfigurationError, match=r"'nameless'.*must name its provider"):
        load_profile("nameless", file)


@pytest.mark.parametrize(
    "content", [b"[profiles", b"\xff\xfe", b'profiles = "x"\n', b"profiles = 7\n"]
)
def test_a_broken_file(tmp_path, content):
    path = tmp_path / "cloudkit.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"cloudkit.toml"):
        load_profile(path=path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_profile(path=tmp_path / "nowhere.toml")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_profile(path=tmp_path)


def test_the_names_of_profiles(tmp_path, file, monkeypatch):
    assert profile_names(file) == ["default", "prod", "nameless"]
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    (empty / "cloudkit.toml").write_text("[profiles")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        profile_names()


def test_without_a_file_there_are_no_profiles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert profile_names() == []
