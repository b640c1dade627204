"""How the Cloud SDK and its emulators are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulators import cloud_sdk, firestore


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Cloud SDK without components, whose program is a link to it, as packages install it."""
    program = tmp_path / "sdk" / "bin" / "gcloud"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gcloud").symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(cloud_sdk, "PLACES", (str(tmp_path / "elsewhere"),))
    return tmp_path / "sdk"


def test_a_component_is_found_beside_gcloud(sdk: Path) -> None:
    jars = [sdk / "platform" / "pubsub-emulator" / "lib" / f"emulator-{n}.jar" for n in (1, 2)]
    jars[0].parent.mkdir(parents=True)
    for jar in jars:
        jar.touch()
    assert cloud_sdk.component("pubsub-emulator/lib/emulator-*.jar") == jars[1]


def test_a_component_is_found_where_installers_put_it(sdk: Path, tmp_path: Path) -> None:
    jar = tmp_path / "elsewhere" / "platform" / firestore.JAR
    jar.parent.mkdir(parents=True)
    jar.touch()
    assert cloud_sdk.component(firestore.JAR) == jar
    assert firestore.missing() == "this machine has no java to run Firestore's emulator with"


def test_what_is_missing_is_said(sdk: Path) -> None:
    assert "cloud-firestore-emulator" in str(firestore.missing())
    with pytest.raises(RuntimeError, match="registry"), firestore.firestore():
        pass
