"""A warning about the documentation fails its build."""

import re
from pathlib import Path

import pytest

from tools import documentation


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("echo 'Build finished'", 0),
        ("echo 'page does not exist'; exit 1", 1),
        ("echo 'griffe: api/paging.py:90: no such parameter' >&2", 1),
    ],
)
def test_a_warning_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    status: int,
) -> None:
    program = tmp_path / "zensical"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert documentation.main() == status
    assert capsys.readouterr().out


LINK = re.compile(r"\]\(([^)#\s]+)[^)\s]*\)")
READMES = [documentation.ROOT / "README.md", *documentation.ROOT.glob("packages/*/README.md")]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_links_of_a_readme_lead_to_files(readme: Path) -> None:
    # Those of the documentation are checked by its build, which knows nothing of these pages.
    links = [link for link in LINK.findall(readme.read_text()) if not link.startswith("http")]
    assert [link for link in links if not (readme.parent / link).exists()] == []
    assert links or readme.parent != documentation.ROOT
