"""The double of Cloud Tasks, as Google's own client finds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from emulators.cloud_tasks import CloudTasksServer
from gcp.task_target import Target, task_target
from google.api_core import exceptions
from google.auth.transport.requests import Request
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.oauth2 import id_token
from google.protobuf.duration_pb2 import Duration  # type: ignore[import-untyped]
from google.protobuf.field_mask_pb2 import FieldMask  # type: ignore[import-untyped]

PARENT = "projects/tests/locations/europe-west1"
ACCOUNT = "pusher@tests.iam.gserviceaccount.com"
_numbers = count(1)

MakeQueue = Callable[..., str]


@pytest.fixture(scope="module")
def client(cloud_tasks_server: CloudTasksServer) -> Iterator[Any]:
    address = cloud_tasks_server.url.removeprefix("http://")
    with grpc.insecure_channel(address) as channel:
        yield tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


@pytest.fixture
def target() -> Iterator[Target]:
    with task_target() as target:
        yield target


@pytest.fixture
def make_queue(client: Any) -> MakeQueue:
    def make(**retry: Any) -> str:
        name = f"{PARENT}/queues/double-{next(_numbers)}"
        queue = {"name": name, "retry_config": retry} if retry else {"name": name}
        made: str = client.create_queue(parent=PARENT, queue=queue).name
        return made

    return make


def task(target: Target, **fields: Any) -> dict[str, Any]:
    request = {"url": f"{target.url}/work?of=test", "body": b"\x00body\xff"}
    return {"http_request": {**request, **fields.pop("http_request", {})}, **fields}


def test_a_task_is_posted_at_once_and_gone(
    client: Any, make_queue: MakeQueue, target: Target
) -> None:
    queue = make_queue()
    headers = {"X-Mine": "yes", "Content-Type": "application/x-mine"}
    made = client.create_task(parent=queue, task=task(target, http_request={"headers": headers}))
    assert made.name.startswith(f"{queue}/tasks/")
    assert made.http_request.body == b""  # the basic view
    (posted,) = target.wait_for(1)
    assert (posted.path, posted.body) == ("/work?of=test", b"\x00body\xff")
    assert posted.headers["x-mine"] == "yes"
    assert posted.headers["content-type"] == "application/x-mine"
    assert posted.headers["x-cloudtasks-queuename"] == queue.rpartition("/")[2]
    assert posted.headers["x-cloudtasks-taskname"] == made.name.rpartition("/")[2]
    assert posted.headers["x-cloudtasks-taskretrycount"] == "0"
    assert posted.headers["user-agent"] == "Google-Cloud-Tasks"
    assert "authorization" not in posted.headers
    _until(lambda: list(client.list_tasks(parent=queue)) == [])


def test_a_task_waits_for_its_time(client: Any, make_queue: MakeQueue, target: Target) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.6)
    queue = make_queue()
    client.create_task(parent=queue, task=task(target, schedule_time=due))
    assert len(list(client.list_tasks(parent=queue))) == 1
    (posted,) = target.wait_for(1)
    assert posted.at >= due.timestamp() - 0.01
    assert float(posted.headers["x-cloudtasks-tasketa"]) == pytest.approx(due.timestamp())


def test_a_task_that_fails_is_posted_again_with_a_growing_delay(
    client: Any, make_queue: MakeQueue, target: Target
) -> None:
    target.statuses = [500, 404]
    queue = make_queue(min_backoff=Duration(nanos=200_000_000), max_backoff=Duration(seconds=1))
    client.create_task(parent=queue, task=task(target))
    first, second, third = target.wait_for(3)
    assert second.at - first.at >= 0.19
    assert third.at - second.at >= 0.39
    assert second.headers["x-cloudtasks-taskpreviousresponse"] == "500"
    assert [p.headers["x-cloudtasks-taskretrycount"] for p in (second, third)] == ["1", "2"]
    # A 5xx does not count as an execution.
    assert [p.headers["x-cloudtasks-taskexecutioncount"] for p in (second, third)] == ["0", "1"]


def test_a_task_is_given_up_after_the_attempts_of_its_queue(
    client: Any, make_queue: MakeQueue, target: Target
) -> None:
    target.statuses = [500] * 9
    queue = make_queue(max_attempts=2, min_backoff=Duration(nanos=10_000_000))
    client.create_task(parent=queue, task=task(target))
    target.wait_for(2)
    _until(lambda: list(client.list_tasks(parent=queue)) == [])
    assert len(target.posted) == 2


def test_a_name_is_taken_once_for_all(client: Any, make_queue: MakeQueue, target: Target) -> None:
    queue = make_queue()
    name = f"{queue}/tasks/once"
    client.create_task(parent=queue, task=task(target, name=name))
    target.wait_for(1)
    _until(lambda: list(client.list_tasks(parent=queue)) == [])
    with pytest.raises(exceptions.AlreadyExists):
        client.create_task(parent=queue, task=task(target, name=name))
    with pytest.raises(exceptions.NotFound):
        client.get_task(name=name)


def test_a_deleted_task_is_not_posted(client: Any, make_queue: MakeQueue, target: Target) -> None:
    queue = make_queue()
    client.pause_queue(name=queue)
    gone = client.create_task(parent=queue, task=task(target))
    kept = client.create_task(parent=queue, task=task(target))
    full = client.get_task(request={"name": kept.name, "response_view": tasks_v2.Task.View.FULL})
    assert full.http_request.body == b"\x00body\xff"
    client.delete_task(name=gone.name)
    with pytest.raises(exceptions.NotFound):
        client.delete_task(name=gone.name)
    assert target.posted == []
    client.resume_queue(name=queue)
    (posted,) = target.wait_for(1)
    assert posted.headers["x-cloudtasks-taskname"] == kept.name.rpartition("/")[2]


def test_a_purge_drops_all_tasks(client: Any, make_queue: MakeQueue, target: Target) -> None:
    queue = make_queue()
    assert client.pause_queue(name=queue).state == tasks_v2.Queue.State.PAUSED
    for _ in range(3):
        client.create_task(parent=queue, task=task(target))
    client.purge_queue(name=queue)
    assert list(client.list_tasks(parent=queue)) == []


def test_the_token_is_signed_for_the_audience(
    client: Any,
    make_queue: MakeQueue,
    target: Target,
    cloud_tasks_server: CloudTasksServer,
) -> None:
    token = {"service_account_email": ACCOUNT, "audience": "https://app.example"}
    client.create_task(parent=make_queue(), task=task(target, http_request={"oidc_token": token}))
    (posted,) = target.wait_for(1)
    claims = id_token.verify_token(
        posted.headers["authorization"].removeprefix("Bearer "),
        Request(),
        audience="https://app.example",
        certs_url=f"{cloud_tasks_server.identity_url}/oauth2/v3/certs",
    )
    assert (claims["email"], claims["email_verified"]) == (ACCOUNT, True)


def test_queues_are_made_listed_changed_and_removed(client: Any, make_queue: MakeQueue) -> None:
    queue = make_queue(max_attempts=7)
    assert client.get_queue(name=queue).retry_config.max_attempts == 7
    assert queue in [found.name for found in client.list_queues(parent=PARENT)]
    changed = client.update_queue(
        queue={"name": queue, "retry_config": {"max_attempts": 3}},
        update_mask=FieldMask(paths=["retry_config.max_attempts"]),
    )
    assert changed.retry_config.max_attempts == 3
    with pytest.raises(exceptions.AlreadyExists):
        client.create_queue(parent=PARENT, queue={"name": queue})
    client.delete_queue(name=queue)
    for call in (client.get_queue, client.delete_queue, client.purge_queue, client.pause_queue):
        with pytest.raises(exceptions.NotFound):
            call(name=queue)
    with pytest.raises(exceptions.FailedPrecondition):
        client.create_queue(parent=PARENT, queue={"name": queue})


@pytest.mark.parametrize(
    "wrong",
    [
        {"http_request": {"url": "ftp://host/"}},
        {"http_request": {"body": bytes(1024 * 1024)}},
        {"schedule_time": datetime.now(UTC) + timedelta(days=31)},
        {"dispatch_deadline": Duration(seconds=10)},
        {"name": f"{PARENT}/queues/another/tasks/a"},
    ],
    ids=["url", "size", "time", "deadline", "name"],
)
def test_what_the_service_does_not_take_is_refused(
    client: Any, make_queue: MakeQueue, target: Target, wrong: dict[str, Any]
) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        client.create_task(parent=make_queue(), task=task(target, **wrong))


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
