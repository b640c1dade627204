"""Messages as the requests of tasks, and back."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.api.messaging import OutgoingMessage, Source
from cloudkit.common import ConfigurationError, PayloadTooLargeError, utc_now
from cloudkit.gcp.cloud_tasks.capabilities import MAX_TASK_BYTES, RESERVE
from cloudkit.gcp.cloud_tasks.encoding import from_request, task_id, to_request
from cloudkit.gcp.cloud_tasks.sending import make_task, send, send_batch
from cloudkit.gcp.config import GcpConfig
from google.api_core.exceptions import AlreadyExists, NotFound
from hypothesis import given
from hypothesis import strategies as st

URL = "https://app.example/tasks?a=b"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.from_regex("[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda name: not name.lower().startswith("cloudkit.")
)
MESSAGES = st.builds(
    OutgoingMessage,
    body=st.binary(max_size=40),
    attributes=st.dictionaries(NAMES, TEXTS),
    dedup_id=st.none() | st.from_regex("[!-~]{1,128}", fullmatch=True),
)


class FakeTasks:
    """The client of the SDK; keeps what it is told, and fails when it shall.

    Args:
        failure: What a call raises.
    """

    def __init__(self, failure: Exception | None = None) -> None:
        self.options: dict[str, Any] = {}
        self.service = self
        self.failure = failure
        self.requests: list[Any] = []

    def queue(self, name: str) -> str:
        return f"queues/{name}"

    def task(self, queue: str, name: str) -> str:
        return f"queues/{queue}/tasks/{name}"

    def create_task(self, request: Any) -> Any:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        made = type("Task", (), {})()
        made.name = request["task"].get("name", "queues/q/tasks/77")
        return made


def config(**options: Any) -> GcpConfig:
    return GcpConfig(tasks_target=URL, **options)


@given(MESSAGES)
def test_a_message_comes_back_as_it_was(message: OutgoingMessage) -> None:
    request = to_request(message, URL, 600)
    assert all(text.isascii() and text.isprintable() for text in request["headers"].values())
    headers = {name.lower(): text for name, text in request["headers"].items()}
    headers |= {"x-cloudtasks-queuename": "work", "x-cloudtasks-taskname": "7"}
    found = from_request(headers, request["body"], 30)
    assert (found.body, found.attributes) == (message.body, message.attributes)
    assert (found.id, found.source, found.receive_count) == ("7", Source("queue", "work"), 1)
    assert found.dedup_id == message.dedup_id


@pytest.mark.parametrize(("said", "least"), [("600", 590), ("15.5", 15), ("", 29), ("x", 29)])
def test_a_lease_is_as_long_as_the_task_says(said: str, least: float) -> None:
    began = utc_now()
    message = from_request({"cloudkit-deadline": said}, b"", 30)
    assert message.leased_until is not None
    assert least <= (message.leased_until - began).total_seconds() < least + 20


@pytest.mark.parametrize(("retries", "count"), [("0", 1), ("4", 5), ("", 1), ("many", 1)])
def test_a_count_is_one_more_than_the_retries(retries: str, count: int) -> None:
    assert from_request({"x-cloudtasks-taskretrycount": retries}, b"", 30).receive_count == count


def test_attributes_that_no_header_takes_are_refused() -> None:
    with pytest.raises(PayloadTooLargeError):
        to_request(OutgoingMessage(body=b"", attributes={"a": "ä" * 3000}), URL, 600)


def test_a_name_is_made_of_what_names_may_hold() -> None:
    assert task_id("any id: / ü") == task_id("any id: / ü") != task_id("another")
    assert task_id("any id: / ü").isalnum()


def test_a_token_goes_along_where_an_account_is_named() -> None:
    client: Any = FakeTasks()
    message = OutgoingMessage(body=b"")
    task = make_task(client, config(tasks_service_account="a@b"), "q", message)
    assert task["http_request"]["oidc_token"] == {"service_account_email": "a@b", "audience": URL}
    given = config(tasks_service_account="a@b", tasks_audience="https://other.example")
    token = make_task(client, given, "q", message)["http_request"]["oidc_token"]
    assert token["audience"] == "https://other.example"
    assert "oidc_token" not in make_task(client, config(), "q", message)["http_request"]


def test_only_what_is_asked_for_is_said() -> None:
    client: Any = FakeTasks()
    plain = make_task(client, config(), "q", OutgoingMessage(body=b""))
    assert plain.keys() == {"http_request", "dispatch_deadline"}
    began = utc_now()
    later = make_task(client, config(), "q", OutgoingMessage(body=b"", delay=60, dedup_id="a"))
    assert 59 <= (later["schedule_time"] - began).total_seconds() <= 70
    assert later["name"] == f"queues/q/tasks/{task_id('a')}"


def test_without_a_target_nothing_is_sent() -> None:
    client: Any = FakeTasks()
    with pytest.raises(ConfigurationError):
        send(client, GcpConfig(), "q", OutgoingMessage(body=b""))
    assert client.requests == []


def test_what_is_too_large_with_its_headers_is_refused() -> None:
    client: Any = FakeTasks()
    body = bytes(MAX_TASK_BYTES - RESERVE)
    send(client, config(), "q", OutgoingMessage(body=body))
    large = OutgoingMessage(body=body + bytes(RESERVE))
    with pytest.raises(PayloadTooLargeError):
        send(client, config(), "q", large)
    assert len(client.requests) == 1


def test_a_duplicate_has_the_id_of_the_first() -> None:
    client: Any = FakeTasks(AlreadyExists("there is one"))
    sent = send(client, config(), "q", OutgoingMessage(body=b"", dedup_id="a"))
    assert sent.id == task_id("a")
    with pytest.raises(AlreadyExists):
        send(client, config(), "q", OutgoingMessage(body=b""))


def test_a_batch_tells_of_each_message() -> None:
    client: Any = FakeTasks(NotFound("there is none"))
    large = OutgoingMessage(body=bytes(MAX_TASK_BYTES + 1))
    results = send_batch(client, config(), "q", [OutgoingMessage(body=b""), large])
    assert [type(result.error).__name__ for result in results] == [
        "NotFoundError",
        "PayloadTooLargeError",
    ]
