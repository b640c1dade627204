"""``cp``: what comes where, what is skipped, what a failure leaves."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from cloudkit.prelude import CloudKit

BUCKET = "local://photos"
COMMAND = Path(sys.executable).with_name("cloudkit")


@pytest.fixture
def tree(cli, tmp_path: Path) -> Path:
    """A bucket, and a folder of three files."""
    cli("mb", BUCKET)
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "a.txt").write_bytes(b"a")
    (source / "sub" / "b.txt").write_bytes(b"bb")
    (source / "sub" / "empty").write_bytes(b"")
    return source


def keys(cli, bucket: str = BUCKET) -> list[str]:
    return [row["key"] for row in cli("ls", "-r", bucket, "--json").rows]


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, hidden files too."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("target", "key"),
    [
        (BUCKET, "a.txt"),
        (f"{BUCKET}/", "a.txt"),
        (f"{BUCKET}/x/", "x/a.txt"),
        (f"{BUCKET}/x", "x"),
    ],
)
def test_where_a_file_goes(cli, tree, target: str, key: str) -> None:
    cli("cp", tree / "a.txt", target)
    assert keys(cli) == [key]


def test_where_an_object_goes(cli, tree, tmp_path) -> None:
    cli("cp", tree / "a.txt", f"{BUCKET}/x/a.txt")
    target = tmp_path / "target"
    cli("cp", f"{BUCKET}/x/a.txt", target / "new" / "name.txt")
    cli("cp", f"{BUCKET}/x/a.txt", target)
    cli("cp", f"{BUCKET}/x/a.txt", f"{target}/folder/")
    assert files(target) == {"new/name.txt": b"a", "a.txt": b"a", "folder/a.txt": b"a"}


def test_a_folder_goes_there_and_back(cli, tree, tmp_path) -> None:
    assert "copied 3, 3 B" in cli("cp", "-r", tree, f"{BUCKET}/2026").err
    assert keys(cli) == ["2026/a.txt", "2026/sub/b.txt", "2026/sub/empty"]
    cli("cp", "-r", f"{BUCKET}/2026", tmp_path / "back")
    assert files(tmp_path / "back") == files(tree)


def test_a_folder_needs_to_be_asked_for(cli, tree) -> None:
    assert "-r" in cli("cp", tree, BUCKET, code=2).err
    cli("cp", tree / "a.txt", f"{BUCKET}/x/")
    assert "-r" in cli("cp", f"{BUCKET}/x/", tree, code=2).err


def test_several_sources_come_into_the_target(cli, tree) -> None:
    cli("cp", tree / "a.txt", tree / "sub" / "b.txt", f"{BUCKET}/x")
    assert keys(cli) == ["x/a.txt", "x/b.txt"]


def test_several_folders_keep_their_names(cli, tree, tmp_path) -> None:
    other = tmp_path / "other"
    (other / "sub").mkdir(parents=True)
    (other / "a.txt").write_bytes(b"another a")
    cli("cp", "-r", tree, other, tree / "sub" / "b.txt", f"{BUCKET}/x")
    whole = ["x/b.txt", "x/other/a.txt"]
    whole += ["x/source/a.txt", "x/source/sub/b.txt", "x/source/sub/empty"]
    assert keys(cli) == whole
    cli("cp", "-r", f"{BUCKET}/x/other", f"{BUCKET}/x/source/sub", tmp_path / "back")
    assert sorted(files(tmp_path / "back")) == ["other/a.txt", "sub/b.txt", "sub/empty"]


def test_sources_of_one_name_would_replace_each_other(cli, tree) -> None:
    (tree / "sub" / "a.txt").write_bytes(b"another a")
    ended = cli("cp", tree / "a.txt", tree / "sub" / "a.txt", BUCKET, code=2)
    assert "'a.txt'" in ended.err
    assert keys(cli) == []


def test_a_file_keeps_the_name_it_is_given_with_r_too(cli, tree) -> None:
    cli("cp", "-r", tree / "a.txt", f"{BUCKET}/b.txt")
    assert keys(cli) == ["b.txt"]


def test_an_empty_bucket_can_be_copied(cli, tree, tmp_path) -> None:
    assert "copied 0" in cli("cp", "-r", BUCKET, tmp_path / "back").err


def test_links_to_folders_are_left_out_and_told(cli, tree) -> None:
    (tree / "link").symlink_to(tree / "sub")
    assert f"{tree / 'link'}: links to folders" in cli("cp", "-r", tree, BUCKET).err
    rows = cli("cp", "-r", tree, BUCKET, "--json").rows
    assert [row["source"] for row in rows if row["action"] == "ignored"] == [str(tree / "link")]
    assert keys(cli) == ["a.txt", "sub/b.txt", "sub/empty"]


def test_a_folder_that_cannot_be_read_does_not_keep_the_rest(cli, tree, monkeypatch) -> None:
    scan, closed = os.scandir, str(tree / "closed")
    Path(closed).mkdir()

    def scandir(path: str) -> object:
        if str(path) == closed:
            raise PermissionError(13, "Permission denied", closed)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)  # the tests may run as root, who may read all
    ended = cli("cp", "-r", tree, BUCKET, code=4)
    assert "closed: Permission denied" in ended.err
    assert keys(cli) == ["a.txt", "sub/b.txt", "sub/empty"]


def test_what_is_chosen(cli, tree, tmp_path) -> None:
    cli("cp", "-r", tree, BUCKET, "--include", "*.txt", "--exclude", "sub/*")
    assert keys(cli) == ["a.txt"]
    cli("cp", "-r", tree, f"{BUCKET}/x", "--include", "b*", "--include", "empty")
    cli("cp", "-r", f"{BUCKET}/x", tmp_path / "back", "--exclude", "*.txt")
    assert files(tmp_path / "back") == {"sub/empty": b""}
    assert "-r" in cli("cp", tree / "a.txt", BUCKET, "--include", "*", code=2).err


def test_a_dry_run_copies_nothing(cli, tree, tmp_path) -> None:
    ended = cli("cp", "-rn", tree, BUCKET)
    assert f"would copy: {tree}/a.txt -> {BUCKET}/a.txt\n" in ended.out
    assert "would copy 3, 3 B" in ended.err
    assert keys(cli) == []
    cli("cp", "-n", f"{BUCKET}/nothing", tmp_path / "nothing", code=3)
    cli("cp", tree / "a.txt", BUCKET)
    row = cli("cp", "-n", f"{BUCKET}/a.txt", tmp_path / "new" / "a", "--json").row
    assert (row["action"], row["size"]) == ("would copy", 1)
    assert not (tmp_path / "new").exists()
    rows = cli("cp", "-rnu", tree, BUCKET, "--json").rows
    assert sorted(row["action"] for row in rows) == ["skipped", "would copy", "would copy"]


def test_attributes(cli, tree, tmp_path) -> None:
    given = ("--content-type", "text/x-a", "--cache-control", "no-cache", "--metadata", "owner=me")
    cli("cp", tree / "a.txt", f"{BUCKET}/up", *given)
    cli("cp", f"{BUCKET}/up", f"{BUCKET}/inside", "--content-type", "text/x-b")
    there = f"local://{tmp_path}/other//copies"
    cli("mb", there)
    cli("cp", f"{BUCKET}/up", f"{there}/across", "--metadata", "owner=you")
    found = [
        cli("stat", place, "--json").row
        for place in (f"{BUCKET}/up", f"{BUCKET}/inside", f"{there}/across")
    ]
    assert [row["content_type"] for row in found] == ["text/x-a", "text/x-b", "text/x-a"]
    assert {row["cache_control"] for row in found} == {"no-cache"}
    owners = [row["metadata"]["owner"] for row in found]
    assert owners == ["me", "me", "you"]
    assert "metadata" in cli("cp", f"{BUCKET}/up", tmp_path / "x", "--metadata", "a=b", code=2).err


def test_folders_are_made_alike(cli, tree, tmp_path) -> None:
    cli("cp", "-r", tree, f"{BUCKET}/x")
    cli("cp", tree / "a.txt", f"{BUCKET}/beside")
    (tree / "sub" / "b.txt").unlink()
    (tree / "a.txt").write_bytes(b"A")
    assert "copied 1, skipped 1, 1 B" in cli("sync", tree, f"{BUCKET}/x").err
    assert len(keys(cli)) == 4
    ended = cli("sync", "--delete", "-n", tree, f"{BUCKET}/x")
    assert ended.out == f"would delete {BUCKET}/x/sub/b.txt\n"
    assert len(keys(cli)) == 4
    assert "skipped 2, deleted 1" in cli("sync", "--delete", tree, f"{BUCKET}/x").err
    assert keys(cli) == ["beside", "x/a.txt", "x/sub/empty"]

    back = tmp_path / "back"
    (back / "old").mkdir(parents=True)
    for name in ("old/surplus", "keep.log"):
        (back / name).write_bytes(b"")
    cli("sync", "--delete", "--exclude", "*.log", f"{BUCKET}/x", back)
    assert files(back) == {"a.txt": b"A", "sub/empty": b"", "keep.log": b""}


def test_nothing_is_deleted_when_something_failed(cli, tree) -> None:
    cli("cp", tree / "a.txt", f"{BUCKET}/x/surplus")
    os.mkfifo(tree / "pipe")
    cli("sync", "--delete", tree, f"{BUCKET}/x", code=2)
    assert "x/surplus" in keys(cli)


def test_a_source_is_not_deleted(cli, tree, folder) -> None:
    cli("cp", "-r", tree, f"{BUCKET}/x/y")
    for source in (f"{BUCKET}/x/y", "local:photos/x/y", f"local://{folder}//photos/x/y"):
        assert "deleted" in cli("sync", "--delete", source, f"{BUCKET}/x", code=2).err
    assert len(keys(cli)) == 3


@pytest.mark.parametrize(
    "arguments", [("missing", BUCKET), ("a.txt", BUCKET), (BUCKET, "a.txt"), ("-", BUCKET)]
)
def test_only_folders_are_made_alike(cli, tree, monkeypatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(tree)
    cli("sync", *arguments, code=2)
    assert (tree / "a.txt").read_bytes() == b"a"


def test_from_cloud_to_cloud_with_its_attributes(cli, tree, tmp_path, monkeypatch) -> None:
    cli("cp", "-r", tree, BUCKET)
    there = f"local://{tmp_path}/other//copies"
    cli("mb", there)
    rows = cli("cp", "-r", BUCKET, there, "--json").rows
    assert {row["action"] for row in rows} == {"copied"}
    assert cli("cat", f"{there}/sub/b.txt", "--json").row["content_type"] == "text/plain"
    assert len(keys(cli, there)) == 3
    again = cli("cp", "-ru", BUCKET, there, "--json").rows
    assert {row["action"] for row in again} == {"skipped"}


def test_inside_a_cloud(cli, tree) -> None:
    cli("cp", tree / "a.txt", f"{BUCKET}/x/a")
    cli("cp", "-r", f"{BUCKET}/x", f"{BUCKET}/y")
    assert keys(cli) == ["x/a", "y/a"]
    for target in (f"{BUCKET}/x/y", "local:photos/x/y"):
        assert "for ever" in cli("cp", "-r", f"{BUCKET}/x", target, code=2).err


def test_what_is_unchanged_is_skipped_and_only_that(cli, tree, tmp_path) -> None:
    cli("cp", "-r", tree, BUCKET)
    (tree / "a.txt").write_bytes(b"A")  # the same size, another content
    (tree / "new.txt").write_bytes(b"new")
    rows = cli("cp", "-ru", tree, BUCKET, "--json").rows
    actions = {Path(row["source"]).name: row["action"] for row in rows}
    assert actions == {
        "a.txt": "copied",
        "new.txt": "copied",
        "b.txt": "skipped",
        "empty": "skipped",
    }
    back = tmp_path / "back"
    cli("cp", "-r", BUCKET, back)
    (back / "sub" / "b.txt").write_bytes(b"b?")
    (back / "a.txt").unlink()
    rows = cli("cp", "-ru", BUCKET, back, "--json").rows
    assert {row["source"] for row in rows if row["action"] == "copied"} == {
        f"{BUCKET}/a.txt",
        f"{BUCKET}/sub/b.txt",
    }
    assert files(back) == files(tree)


def test_a_file_is_replaced_as_a_whole(cli, tree, tmp_path) -> None:
    target = tmp_path / "a.txt"
    target.write_bytes(b"what was there before")
    cli("cp", tree / "a.txt", BUCKET)
    cli("cp", f"{BUCKET}/a.txt", target)
    assert target.read_bytes() == b"a"


def test_large_objects_in_parts(cli, tree, tmp_path) -> None:
    data = os.urandom(20 * 1024 * 1024 + 1)
    (tree / "large").write_bytes(data)
    cli("cp", "--part-size", "5m", "--parts", "2", tree / "large", BUCKET)
    there = f"local://{tmp_path}/other//copies"
    cli("mb", there)
    cli("cp", f"{BUCKET}/large", there)
    cli("cp", "--part-size", "5m", f"{there}/large", tmp_path / "large")
    assert (tmp_path / "large").read_bytes() == data


def test_keys_that_would_leave_the_folder_are_refused(cli, tree, tmp_path) -> None:
    for key in ("../evil", "a/../../evil", "a//b", "good"):
        cli("cp", tree / "a.txt", f"{BUCKET}/x/{key}")
    ended = cli("cp", "-r", f"{BUCKET}/x", tmp_path / "deep" / "back", code=2)
    assert files(tmp_path / "deep") == {"back/good": b"a"}
    assert not (tmp_path / "evil").exists()
    assert len(ended.err.splitlines()) == 4  # one for each, and the summary


def test_markers_of_folders_are_left_out(cli, tree, tmp_path, folder) -> None:
    async def mark() -> None:
        async with CloudKit.local(path=folder) as cloud:
            await cloud.storage.put_object("photos", "x/folder/", b"")

    anyio.run(mark)
    cli("cp", tree / "a.txt", f"{BUCKET}/x/a")
    cli("cp", "-r", f"{BUCKET}/x", tmp_path / "back")
    assert files(tmp_path / "back") == {"a": b"a"}


def test_what_fails_does_not_keep_the_rest(cli, tree) -> None:
    os.mkfifo(tree / "pipe")
    (tree / "nowhere").symlink_to(tree / "missing")
    ended = cli("cp", "-r", tree, BUCKET, "--json", code=1)
    assert keys(cli) == ["a.txt", "sub/b.txt", "sub/empty"]
    failed = {row["source"]: row["exit"] for row in ended.rows if row["action"] == "failed"}
    assert failed == {str(tree / "pipe"): 2, str(tree / "nowhere"): 3}


def test_names_that_are_no_text(cli, tree) -> None:
    Path(os.fsdecode(os.fsencode(tree / "bad-") + b"\xff")).write_bytes(b"x")
    ended = cli("cp", "-r", tree, BUCKET, "--json", code=2)
    assert [row["action"] for row in ended.rows].count("failed") == 1
    assert keys(cli) == ["a.txt", "sub/b.txt", "sub/empty"]
    assert len(cli("cp", "-r", tree, BUCKET, code=2).err.splitlines()) == 2


def test_a_bucket_that_is_missing(cli, tree) -> None:
    assert "nothing" in cli("cp", tree / "a.txt", "local://nothing/a", code=3).err


def test_what_is_hopeless_is_given_up(cli, tree) -> None:
    for number in range(200):
        (tree / f"{number}.txt").write_bytes(b"x")
    ended = cli("cp", "-r", tree, "local://nothing", code=3)
    lines = ended.err.splitlines()
    assert 20 <= len(lines) - 2 < 40  # those that were under way besides
    assert "the rest was not tried" in lines[-2]
    rows = cli("cp", "-r", tree, "local://nothing", "--json", code=3).rows
    assert rows[-1]["action"] == "given up"


def test_empty_and_larger_files(cli, tree, tmp_path) -> None:
    sizes = (0, 256 * 1024, 256 * 1024 + 1)
    for size in sizes:
        (tree / "sub" / f"{size}").write_bytes(os.urandom(size))
    cli("cp", "-r", tree, BUCKET)
    cli("cp", "-r", BUCKET, tmp_path / "back")
    assert files(tmp_path / "back") == files(tree)


def test_a_file_that_is_missing(cli, tree) -> None:
    assert "No such file" in cli("cp", tree / "nothing", BUCKET, code=3).err


def test_a_prefix_without_objects(cli, tree, tmp_path) -> None:
    cli("cp", "-r", f"{BUCKET}/nothing", tmp_path / "back", code=3)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.txt", "b.txt"),
        ("-", BUCKET),
        (BUCKET, "local://"),
        ("-r", BUCKET, "-"),
        ("a.txt", "local://photos", "--part-size", "0"),
        ("a.txt", "local://photos", "--part-size", "x"),
        ("a.txt",),
        ("--nonsense", "a.txt", BUCKET),
    ],
)
def test_wrong_usage(cli, tree, monkeypatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(tree)
    ended = cli("cp", *arguments, code=2)
    assert ended.err.startswith("cloudkit: ")
    assert ended.out == ""
    assert keys(cli) == []


def test_the_standard_streams(installed, tree) -> None:
    installed("cp", "-", f"{BUCKET}/typed", text="from a pipe")
    assert installed("cp", f"{BUCKET}/typed", "-").out == "from a pipe"


def test_standard_input_may_be_a_file(installed, tree) -> None:
    with (tree / "sub" / "b.txt").open("rb") as file:
        subprocess.run([COMMAND, "cp", "-", f"{BUCKET}/file"], stdin=file, check=True, timeout=60)
    assert installed("cat", f"{BUCKET}/file").out == "bb"
