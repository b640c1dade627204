"""``ls``, ``cat``, ``mb``, ``rm`` and ``presign``."""

import urllib.request
from pathlib import Path

import pytest


@pytest.fixture
def bucket(cli, tmp_path: Path) -> str:
    cli("mb", "local://photos")
    source = tmp_path / "source"
    (source / "2026").mkdir(parents=True)
    (source / "2026" / "a.txt").write_bytes(b"first")
    (source / "2026" / "b.txt").write_bytes(b"second")
    (source / "top.txt").write_bytes(b"top")
    cli("cp", "-r", source, "local://photos")
    return "local://photos"


def test_buckets_are_listed(cli, bucket) -> None:
    assert cli("ls", "local://").out.endswith("photos\n")
    row = cli("ls", "local://", "--json").row
    assert row["bucket"] == "photos"
    assert row["url"] == "local://photos"


def test_a_level_is_listed(cli, bucket) -> None:
    rows = cli("ls", bucket, "--json").rows
    assert [row["key"] for row in rows] == ["2026/", "top.txt"]
    assert [row.get("prefix") for row in rows] == [True, None]
    assert [line.split()[-1] for line in cli("ls", bucket).out.splitlines()] == ["2026/", "top.txt"]


def test_a_prefix_is_listed_with_all_below(cli, bucket) -> None:
    rows = cli("ls", "-r", f"{bucket}/2026/", "--json").rows
    assert [(row["key"], row["size"]) for row in rows] == [("2026/a.txt", 5), ("2026/b.txt", 6)]


def test_a_bucket_that_is_missing(cli, bucket) -> None:
    ended = cli("ls", "local://nothing", code=3)
    assert "nothing" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_nothing_begins_so(cli, bucket) -> None:
    assert "photos/3" in cli("ls", f"{bucket}/3", code=3).err
    cli("rm", "-r", bucket)
    assert cli("ls", bucket).out == ""


def test_sizes_for_people_and_a_summary(cli, bucket, tmp_path) -> None:
    (tmp_path / "big").write_bytes(bytes(1536))
    cli("cp", tmp_path / "big", bucket)
    ended = cli("ls", "-rHs", bucket)
    assert " 1.5 KiB  big\n" in ended.out
    assert ended.err == "4 objects, 1.5 KiB\n"


def test_what_is_known_about_an_object(cli, bucket) -> None:
    row = cli("stat", f"{bucket}/top.txt", "--json").row
    assert (row["size"], row["content_type"], row["metadata"]) == (3, "text/plain", {})
    assert row["checksums"]["crc32"]
    shown = cli("stat", f"{bucket}/top.txt").out.splitlines()
    assert "content_type     text/plain" in shown
    cli("stat", f"{bucket}/nothing", code=3)


def test_objects_are_written_one_behind_the_other(cli, bucket) -> None:
    assert cli("cat", f"{bucket}/2026/a.txt", f"{bucket}/top.txt").out == "firsttop"


@pytest.mark.parametrize(("part", "expected"), [("1-2", "ir"), ("3-", "st"), ("-2", "st")])
def test_a_range_of_an_object(cli, bucket, part: str, expected: str) -> None:
    assert cli("cat", f"--range={part}", f"{bucket}/2026/a.txt").out == expected


def test_an_object_as_json(cli, bucket) -> None:
    row = cli("cat", f"{bucket}/top.txt", "--json").row
    assert row["body"] == "top"
    assert row["content_type"] == "text/plain"


def test_an_object_that_is_missing(cli, bucket) -> None:
    ended = cli("cat", f"{bucket}/nothing.txt", "--json", code=3)
    assert '"error": "NotFoundError"' in ended.err
    assert ended.out == ""


def test_a_bucket_that_exists_already(cli, bucket) -> None:
    assert "photos" in cli("mb", bucket, code=5).err


def test_one_object_is_deleted(cli, bucket) -> None:
    assert cli("rm", f"{bucket}/top.txt", "--json").row["deleted"] is True
    cli("cat", f"{bucket}/top.txt", code=3)
    cli("rm", f"{bucket}/top.txt", code=3)
    cli("rm", "-f", f"{bucket}/top.txt")


def test_all_below_a_prefix_is_deleted_and_nothing_beside_it(cli, bucket, tmp_path) -> None:
    cli("cp", tmp_path / "source" / "top.txt", f"{bucket}/2026b")
    rows = cli("rm", "-r", f"{bucket}/2026", "--json").rows
    assert [row["url"] for row in rows] == [f"{bucket}/2026/a.txt", f"{bucket}/2026/b.txt"]
    left = cli("ls", "-r", bucket, "--json").rows
    assert [row["key"] for row in left] == ["2026b", "top.txt"]
    cli("rm", "-r", f"{bucket}/2026", code=3)


def test_a_dry_run_deletes_nothing(cli, bucket) -> None:
    assert cli("rm", "-n", f"{bucket}/top.txt").out == f"would delete {bucket}/top.txt\n"
    cli("rm", "-n", f"{bucket}/nothing", code=3)
    rows = cli("rm", "-rn", "--bucket", bucket, "--json").rows
    assert [row["deleted"] for row in rows] == [False] * 4
    assert len(cli("ls", "-r", bucket, "--json").rows) == 3


def test_what_is_chosen_is_deleted(cli, bucket) -> None:
    cli("rm", "-r", bucket, "--include", "*.txt", "--exclude", "2026/a*")
    assert [row["key"] for row in cli("ls", "-r", bucket, "--json").rows] == ["2026/a.txt"]
    assert "-r" in cli("rm", f"{bucket}/2026/a.txt", "--include", "*", code=2).err


def test_a_bucket_is_deleted_only_when_asked_for(cli, bucket) -> None:
    cli("rm", bucket, code=2)
    cli("rm", "--bucket", bucket, code=5)
    cli("rm", "-r", "--bucket", bucket)
    assert cli("ls", "local://").out == ""


def test_what_fails_does_not_keep_the_rest(cli, bucket) -> None:
    cli("rm", f"{bucket}/nothing", f"{bucket}/top.txt", code=3)
    cli("cat", f"{bucket}/top.txt", code=3)


def test_a_url_of_the_local_provider_needs_someone_to_serve_it(cli, bucket) -> None:
    for place in (f"{bucket}/top.txt", "local:photos/top.txt"):
        assert "--serve" in cli("presign", place, code=2).err


def test_a_served_url_reads_the_object(bucket, start) -> None:
    process = start("presign", f"{bucket}/top.txt", "--serve", "--json")
    url = process.line()["url"]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"top"
    assert process.interrupt() == 130


def test_keys_cannot_drive_the_terminal(cli, bucket, tmp_path) -> None:
    cli("cp", tmp_path / "source" / "top.txt", f"{bucket}/\x1b[2Jred\nfake")
    assert "\x1b" not in cli("ls", bucket).out
    assert len(cli("ls", bucket).out.splitlines()) == 3
    assert "\\x1b[2Jred" in cli("ls", bucket).out
