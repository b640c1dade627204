"""The ``cloudkit`` command on a cloud: what its tests have in common for all providers.

A module a provider inherits ``CommandSuite`` and says where the servers are, by environment variables
as a user would set them.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from attrs import frozen
from cloudkit.cli import main

FOREIGN = ("CLOUD_", "AWS_", "AZURE_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "OCI_")
"""Beginnings of variables that a machine may have set for clouds of its own."""

CALLS = (
    "storage.list_buckets",
    "kv.list_tables",
    "queue.list_queues",
    "pubsub.list_topics",
    "functions.list_functions",
)
"""What the doctor tries of each provider."""

_numbers = itertools.count(1)


@frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The results, where they are JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        """The one result."""
        (row,) = self.rows
        return row


Run = Callable[..., Ended]
Setting = Callable[..., None]


@pytest.fixture
def cli(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Run:
    """Runs the command in this process, without what the machine knows of clouds."""
    here = tmp_path / "here"
    here.mkdir()
    for name in [*os.environ]:
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(here))
    monkeypatch.chdir(here)

    def run(*arguments: str | Path, code: int = 0) -> Ended:
        capfdbinary.readouterr()
        ended = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        result = Ended(ended, out.decode(), err.decode())
        assert result.code == code, result
        return result

    return run


class CommandSuite:
    """To be inherited. Fixtures of the subclass set the variables; see ``setting``.

    Attributes:
        scheme: Of the provider's URLs.
        provider: Its name.
        wait: How long messages may take to come.
        secrets: What no command may print.
        knows_parts: Whether the service keeps a checksum of what came in parts.
        binds_type: Whether a URL for writing may demand a content type.
        counts_messages: Whether queues say how much is in them.
        application: What the names of functions begin with.
    """

    scheme: ClassVar[str]
    provider: ClassVar[str]
    wait: ClassVar[str] = "30s"
    secrets: ClassVar[tuple[str, ...]] = ()
    knows_parts: ClassVar[bool] = True
    binds_type: ClassVar[bool] = True
    counts_messages: ClassVar[bool] = True
    application: ClassVar[str] = ""

    @pytest.fixture
    def files(self, tmp_path: Path) -> Path:
        """A folder with three files."""
        source = tmp_path / "source"
        (source / "sub").mkdir(parents=True)
        (source / "a.txt").write_bytes(b"a")
        (source / "sub" / "b.bin").write_bytes(bytes(range(256)) * 40)
        (source / "sub" / "Grüße & 100%+?.txt").write_bytes(b"greetings")
        return source

    @pytest.fixture
    def bucket(self, cli: Run, storage: object) -> str:
        """A new bucket, as a URL."""
        url = f"{self.scheme}://{fresh_name()}"
        assert cli("mb", url).out == f"made {url}\n"
        return url

    def test_objects_go_there_and_back(
        self, cli: Run, bucket: str, files: Path, tmp_path: Path
    ) -> None:
        assert "copied 3, 10.0 KiB" in cli("cp", "-r", files, bucket).err
        keys = ["a.txt", "sub/Grüße & 100%+?.txt", "sub/b.bin"]
        rows = cli("ls", "-r", bucket, "--json").rows
        assert [row["key"] for row in rows] == keys
        level = cli("ls", bucket, "--json").rows
        assert [row["key"] for row in level] == ["a.txt", "sub/"]
        assert bucket in [row["url"] for row in cli("ls", f"{self.scheme}://", "--json").rows]
        assert cli("cat", f"{bucket}/a.txt", f"{bucket}/{keys[1]}").out == "agreetings"
        assert cli("cat", "--range=-4", f"{bucket}/{keys[1]}").out == "ings"
        again = cli("cp", "-ru", files, bucket, "--json").rows
        assert {row["action"] for row in again} == {"skipped"}
        cli("cp", "-r", bucket, tmp_path / "back")
        assert contents(tmp_path / "back") == contents(files)
        (files / "a.txt").unlink()
        assert "deleted 1" in cli("sync", "--delete", files, bucket).err
        cli("rm", "-r", "--bucket", bucket)
        assert "NotFoundError" in cli("ls", bucket, "--json", code=3).err

    def test_objects_keep_their_attributes(self, cli: Run, bucket: str, files: Path) -> None:
        given = ("--content-type", "text/x-own", "--metadata", "owner=me")
        cli("cp", files / "a.txt", f"{bucket}/one", *given)
        cli("cp", f"{bucket}/one", f"{bucket}/copies/")
        row = cli("stat", f"{bucket}/copies/one", "--json").row
        assert (row["size"], row["content_type"]) == (1, "text/x-own")
        assert row["metadata"] == {"owner": "me"}
        cli("rm", f"{bucket}/one")
        cli("rm", f"{bucket}/one", code=3)
        cli("rm", "-f", f"{bucket}/one")

    def test_objects_come_from_another_cloud(
        self, cli: Run, bucket: str, other_bucket: str, files: Path, tmp_path: Path
    ) -> None:
        cli("cp", "-r", files, other_bucket)
        cli("cp", files / "a.txt", f"{other_bucket}/a.txt", "--metadata", "owner=me")
        rows = cli("cp", "-r", other_bucket, f"{bucket}/copies", "--json").rows
        assert {row["action"] for row in rows} == {"copied"}
        row = cli("stat", f"{bucket}/copies/a.txt", "--json").row
        assert (row["content_type"], row["metadata"]) == ("text/plain", {"owner": "me"})
        cli("sync", f"{bucket}/copies", f"{other_bucket}/again")
        cli("cp", "-r", f"{other_bucket}/again", tmp_path / "back")
        assert contents(tmp_path / "back") == contents(files)

    def test_large_objects_go_in_parts(self, cli: Run, bucket: str, tmp_path: Path) -> None:
        data = os.urandom(11 * 1024 * 1024)
        (tmp_path / "large").write_bytes(data)
        os.utime(tmp_path / "large", (0, 0))  # services tell whole seconds only
        cli("cp", "--part-size", "5m", tmp_path / "large", bucket)
        cli("cp", "--part-size", "3m", f"{bucket}/large", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == data
        again = cli("cp", "-u", tmp_path / "large", bucket, "--json").row
        assert again["action"] == ("skipped" if self.knows_parts else "copied")
        trusting = cli("cp", "-u", "--trust-times", tmp_path / "large", bucket, "--json").row
        assert trusting["action"] == "skipped"

    def test_urls_read_and_write(self, cli: Run, bucket: str, files: Path) -> None:
        place = f"{bucket}/a b.txt"
        bound = ("--content-type", "text/x-own") if self.binds_type else ()
        put = cli("presign", "--put", *bound, place, "--json").row
        written = httpx.request(
            put["method"], put["url"], headers=put["headers"], content=b"by url"
        )
        assert written.is_success, written.text
        if self.binds_type:
            assert cli("stat", place, "--json").row["content_type"] == "text/x-own"
        else:
            bound = ("--content-type", "text/x-own")
            assert "content_type" in cli("presign", "--put", *bound, place, code=7).err
        read = httpx.get(cli("presign", place).out.strip())
        assert (read.status_code, read.content) == (200, b"by url")

    def test_documents(self, cli: Run, documents: object) -> None:
        table = f"{self.provider}:{fresh_name()}"
        cli("kv", "create", table, "--sort-key", "year")
        for year, name in (("1815", "Ada"), ("1906", "Grace")):
            document = f'{{"name": "{name}", "price": {{"$decimal": "1.15"}}}}'
            cli("kv", "put", table, "pioneers", document, "--sort", year)
        row = cli("kv", "get", table, "pioneers", "--sort", "1815", "--json").row
        assert row["document"] == {"name": "Ada", "price": {"$decimal": "1.15"}}
        found = cli("kv", "query", table, "pioneers", "--from", "1900", "--json").rows
        assert [row["document"]["name"] for row in found] == ["Grace"]
        found = cli("kv", "query", table, "--where", "name=Ada", "--json").rows
        assert [row["sort"] for row in found] == ["1815"]
        stale = ("kv", "delete", table, "pioneers", "--sort", "1815", "--if-version", "stale")
        assert cli(*stale, code=5).err.startswith("cloudkit: ")
        cli("kv", "delete", table, "pioneers", "--sort", "1815")
        cli("kv", "get", table, "pioneers", "--sort", "1815", code=3)
        assert table.partition(":")[2] in cli("kv", "tables", self.provider).out.split()
        cli("kv", "drop", table)

    def test_messages_in_a_queue(self, cli: Run, queues: object) -> None:
        queue = f"{self.provider}:{fresh_name()}"
        cli("queue", "create", queue)
        cli("queue", "send", queue, "hello", "-a", "kind=greeting")
        row = cli("queue", "receive", queue, "--wait", self.wait, "--json").row
        assert (row["body"], row["attributes"]) == ("hello", {"kind": "greeting"})
        assert cli("queue", "receive", queue).out == ""
        assert queue.partition(":")[2] in cli("queue", "ls", self.provider).out.split()
        if self.counts_messages:
            assert cli("queue", "stats", queue, "--json").row["available"] == 0
        else:
            assert "stats" in cli("queue", "stats", queue, code=7).err
        cli("queue", "delete", queue)
        cli("queue", "send", queue, "hello", code=3)

    def test_messages_of_a_topic(self, cli: Run, topics: object) -> None:
        topic = f"{self.provider}:{fresh_name()}"
        cli("topic", "create", topic)
        cli("topic", "create", f"{topic}/mine")
        cli("publish", topic, "hello", "-a", "kind=greeting")
        heard = cli("subscribe", f"{topic}/mine", "-n", "1", "--wait", self.wait, "--json").row
        assert (heard["body"], heard["attributes"]) == ("hello", {"kind": "greeting"})
        assert cli("topic", "ls", topic).out == "mine\n"
        cli("topic", "delete", topic)
        cli("publish", topic, "hello", code=3)

    def test_functions(self, cli: Run, functions: object) -> None:
        place = f"{self.provider}:{self.application}"
        assert cli("invoke", f"{place}echo", "hello").out == "hello"
        assert cli("invoke", f"{place}fail", "x", code=9).err.startswith("cloudkit: ")
        cli("invoke", f"{place}nothing-of-this-name", code=3)

    def examine(self, cli: Run, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """What the doctor says of the provider, check by check."""
        ended = cli("doctor", *arguments, "--json", code=code)
        for secret in self.secrets:
            assert secret not in ended.out + ended.err
        return {row["check"]: row for row in ended.rows}


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch, cli: Run) -> Setting:
    """Sets variables, after those of the machine were cleared."""

    def set_all(**variables: str | Path) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return set_all


def fresh_name() -> str:
    """A name that nothing has yet."""
    return f"ck-{secrets.token_hex(5)}-{next(_numbers)}"


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
