"""``queue``, ``publish`` and ``subscribe``: messages."""

import base64

import pytest
from attrs import evolve
from cloudkit.local.capabilities import LOCAL_CAPABILITIES
from cloudkit.local.queue import LocalMessageQueue

QUEUE = "local:orders"


@pytest.fixture
def queue(cli) -> str:
    cli("queue", "create", QUEUE, "--max-receives", "1")
    return QUEUE


def stats(cli) -> dict[str, int]:
    row = cli("queue", "stats", QUEUE, "--json").row
    return {name: row[name] for name in ("available", "leased", "delayed", "dead")}


def test_a_message_is_printed_and_taken(cli, queue) -> None:
    sent = cli("queue", "send", QUEUE, "hello", "-a", "kind=greeting", "--json").row
    row = cli("queue", "receive", QUEUE, "--json").row
    assert (row["id"], row["body"]) == (sent["id"], "hello")
    assert row["attributes"] == {"kind": "greeting"}
    assert row["receive_count"] == 1
    assert stats(cli) == {"available": 0, "leased": 0, "delayed": 0, "dead": 0}


def test_a_message_that_is_kept(cli) -> None:
    cli("queue", "create", QUEUE)
    cli("queue", "send", QUEUE, "hello")
    assert cli("queue", "receive", QUEUE, "--keep").out == "hello\n"
    assert cli("queue", "receive", QUEUE).out == "hello\n"


def test_nothing_to_receive(cli, queue) -> None:
    assert cli("queue", "receive", QUEUE).out == ""
    assert cli("queue", "receive", QUEUE, "--wait", "10ms", "--json").rows == []


def test_many_messages(cli, queue, tmp_path) -> None:
    (tmp_path / "lines").write_text("".join(f"{number}\n" for number in range(25)))
    sent = cli("queue", "send", QUEUE, f"@{tmp_path / 'lines'}", "--lines", "--json").rows
    assert len(sent) == 25
    received = cli("queue", "receive", QUEUE, "-n", "100").out.split()
    assert sorted(map(int, received)) == list(range(25))


def test_bytes_that_are_no_text(cli, queue, tmp_path) -> None:
    (tmp_path / "body").write_bytes(b"\xff\x00")
    cli("queue", "send", QUEUE, f"@{tmp_path / 'body'}")
    row = cli("queue", "receive", QUEUE, "--json").row
    assert base64.b64decode(row["body_base64"]) == b"\xff\x00"


def test_delayed_messages(cli, queue) -> None:
    cli("queue", "send", QUEUE, "later", "--delay", "10m")
    assert stats(cli)["delayed"] == 1


def test_dead_letters_come_back(cli, queue) -> None:
    cli("queue", "send", QUEUE, "poison")
    cli("queue", "receive", QUEUE, "--keep")
    assert cli("queue", "receive", QUEUE).out == ""
    assert stats(cli)["dead"] == 1
    assert cli("queue", "receive", QUEUE, "--dead", "--keep").out == "poison\n"
    assert cli("queue", "redrive", QUEUE, "--json").row == {"queue": "orders", "redriven": 1}
    assert cli("queue", "receive", QUEUE).out == "poison\n"


def test_a_wait_may_be_longer_than_one_request(cli, queue, monkeypatch) -> None:
    limits = evolve(LOCAL_CAPABILITIES.queue, max_wait_seconds=0.01)
    monkeypatch.setattr(LocalMessageQueue, "capabilities", limits, raising=False)
    cli("queue", "send", QUEUE, "late", "--delay", "0.3")
    assert cli("queue", "receive", QUEUE, "--wait", "30").out == "late\n"


def test_queues_are_emptied_and_deleted(cli, queue) -> None:
    cli("queue", "send", QUEUE, "hello")
    cli("queue", "purge", QUEUE)
    assert stats(cli)["available"] == 0
    cli("queue", "delete", QUEUE)
    cli("queue", "delete", QUEUE, code=3)
    assert cli("queue", "ls", "local").out == ""


def test_queues_are_listed(cli, queue) -> None:
    assert cli("queue", "ls", "local").out == "orders\n"
    cli("queue", "create", QUEUE, code=5)
    assert "stats" in cli("queue", "stats", "local:nothing", code=3).err
    assert cli("queue", "stats", QUEUE).out.startswith("available\tleased\tdelayed")


def test_a_fifo_queue_keeps_the_order(cli) -> None:
    cli("queue", "create", "local:line.fifo", "--fifo")
    for body in "abc":
        cli("queue", "send", "local:line.fifo", body, "--group", "g", "--dedup-id", body)
    assert cli("queue", "receive", "local:line.fifo", "-n", "3").out == "a\nb\nc\n"


def test_what_is_published_is_heard(cli) -> None:
    cli("subscribe", "--create", "local:news/mine", "--wait", "0")
    cli("publish", "local:news", "one", "-a", "kind=a")
    cli("publish", "local:news", "two")
    assert cli("subscribe", "local:news/mine", "-n", "1", "--keep").out == "one\n"
    rows = cli("subscribe", "local:news/mine", "-n", "2", "--json").rows
    assert sorted(row["body"] for row in rows) == ["one", "two"]
    assert cli("subscribe", "local:news/mine", "--wait", "10ms").out == ""


def test_topics_that_are_missing(cli) -> None:
    cli("publish", "local:news", "one", code=3)
    cli("subscribe", "local:news/mine", "-n", "1", code=3)
    cli("publish", "local:news", "one", "--create")
    cli("subscribe", "local:news", "-n", "1", code=2)
    cli("subscribe", "local:news/mine", "--keep", code=2)


def test_topics_and_subscriptions(cli) -> None:
    cli("topic", "create", "local:news", "--ordering")
    cli("topic", "create", "local:news/mine")
    cli("topic", "create", "local:news/mine", code=5)
    cli("topic", "create", "local:news/mine", "--ordering", code=2)
    assert cli("topic", "ls", "local", "--json").row == {"topic": "news", "ordering": True}
    assert cli("topic", "ls", "local:news").out == "mine\n"
    cli("topic", "delete", "local:news/mine")
    assert cli("topic", "ls", "local:news").out == ""
    assert cli("topic", "delete", "local:news").out == "deleted local:news\n"
    cli("topic", "delete", "local:news", code=3)
