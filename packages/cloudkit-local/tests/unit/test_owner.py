"""Folders of the living and the dead, when several processes look at them at the same time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cloudkit.local import owner
from cloudkit.local.owner import Owner, dead_owners, living_owners


def leave(parent: Path, *names: str) -> Path:
    """A folder whose owner is dead."""
    folder = parent / "dead"
    folder.mkdir()
    for name in ("lock", *names):
        (folder / name).touch()
    return folder


def test_the_dead_are_found_and_the_living_left_alone(tmp_path):
    living = Owner(tmp_path)
    folder = leave(tmp_path, "half", "half.json")
    (dead,) = dead_owners(tmp_path)
    with dead:
        assert dead.folder == folder
        assert living_owners(tmp_path) == 2  # who looks through a folder counts, too
        assert list(dead_owners(tmp_path)) == []
        dead.remove()
    assert list(tmp_path.iterdir()) == [living.folder]
    living.close()
    living.close()
    assert not list(tmp_path.iterdir())


def test_what_an_owner_leaves_in_its_folder_stays(tmp_path):
    living = Owner(tmp_path)
    (living.folder / "half").touch()
    living.close()
    (dead,) = dead_owners(tmp_path)
    with dead:
        assert (dead.folder / "half").exists()


def test_a_folder_that_another_process_removes_meanwhile_is_nobodys(tmp_path, monkeypatch):
    folder = leave(tmp_path)
    lock = owner._lock

    def slowly(path):
        descriptor = lock(path)
        owner._remove(folder)  # the other one was faster
        return descriptor

    monkeypatch.setattr(owner, "_lock", slowly)
    assert list(dead_owners(tmp_path)) == []
    assert not folder.exists()


@pytest.mark.parametrize("step", ["unlink", "rmdir"])
def test_who_looks_while_another_removes_disturbs_nobody(tmp_path, monkeypatch, step):
    folder = leave(tmp_path, "half")
    found = []
    original = getattr(Path, step)

    def interfere(path, *args, **options):
        monkeypatch.undo()
        found.extend(dead_owners(tmp_path))
        original(path, *args, **options)

    with next(dead_owners(tmp_path)) as dead:
        monkeypatch.setattr(Path, step, interfere)
        dead.remove()
    for other in found:
        with other:
            assert [path.name for path in folder.iterdir()] == ["lock"]
            other.remove()
    assert not list(tmp_path.iterdir())


def test_an_owner_takes_no_folder_that_is_being_removed(tmp_path, monkeypatch):
    lock, seen = owner._lock, []

    def slowly(path):
        descriptor = lock(path)
        if not seen:
            owner._remove(path.parent)  # by a process that took it for a dead one's
        seen.append(path)
        return descriptor

    monkeypatch.setattr(owner, "_lock", slowly)
    living = Owner(tmp_path)
    assert len(seen) == 2
    assert os.path.samestat(os.fstat(living._descriptor), (living.folder / "lock").stat())
    living.close()
