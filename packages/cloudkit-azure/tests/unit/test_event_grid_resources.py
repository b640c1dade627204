"""Topics and subscriptions as resources: waiting until they are there, or have gone."""

from __future__ import annotations

import pytest
from cloudkit.api.messaging import Ack, Message, Source
from cloudkit.azure.event_grid import EventGridPubSub
from cloudkit.azure.event_grid.resources import Resources, Settings
from cloudkit.common import AlreadyExistsError, NotFoundError, ProviderError

pytestmark = pytest.mark.anyio


class RefusedError(Exception):
    """As azure-core has them, which are known by the package they come from."""

    __module__ = "azure.tests"

    def __init__(self, status):
        super().__init__(f"status {status}")
        self.status_code = status


class Manager:
    """A resource manager that answers what it was told to, one request after the other."""

    event_grid_place = ("s", "g", "n")
    event_grid_dead_letters = None

    def __init__(self, *answers):
        self.answers = list(answers)
        self.begun = []
        self.config = self

    async def run(self, service, func):
        assert service == "management"
        return func(self)

    def read(self, *names):
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            raise RefusedError(answer)
        return {"name": names[-1], "properties": {"provisioningState": answer}}

    def create(self, properties, *names):
        if self.begun:
            raise AlreadyExistsError("the retry policy has begun it again")
        self.begun.append(names)

    def delete(self, *names):
        self.begun.append(names)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("cloudkit.azure.event_grid.resources.FIRST_PAUSE", 0)


# ManagementClient's methods are called by name here, whatever the client is.
@pytest.fixture(autouse=True)
def _any_client(monkeypatch):
    for name in ("create", "delete"):
        monkeypatch.setattr(
            f"cloudkit.azure.event_grid.resources.ManagementClient.{name}",
            getattr(Manager, name),
        )


async def test_what_was_begun_is_awaited_through_failures_that_pass():
    manager = Manager(404, "Creating", 503, 429, "Succeeded")
    assert (await Resources(manager).create_topic("topic")).name == "topic"
    assert manager.begun == [("topic",)]
    assert manager.answers == []


async def test_what_is_deleted_is_awaited_too():
    manager = Manager("Deleting", 500, 404)
    await Resources(manager).delete("topic", "subscription")
    assert manager.answers == []


@pytest.mark.parametrize("state", ["Failed", "Canceled", "CreateFailed"])
async def test_what_has_failed_is_not_awaited(state):
    with pytest.raises(ProviderError, match=state):
        await Resources(Manager("Creating", state)).create_topic("topic")


async def test_a_refusal_ends_the_wait():
    with pytest.raises(RefusedError):
        await Resources(Manager("Creating", 403)).create_topic("topic")


async def test_who_may_not_manage_receives_all_the_same():
    manager = Manager(403)
    resources = Resources(manager)
    source = Source("pubsub", "subscription", "topic")
    for _ in range(2):
        settings = await resources.settings(source)
        assert settings == Settings()
        assert settings.least_lock == 60
    assert manager.answers == [], "and is not asked again at once"


class Namespace:
    """Answers what it was told to about locks."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def run(self, service, func, *args):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(("status", "done"), [(429, False), (500, True)])
async def test_what_was_refused_is_not_taken_for_done(status, done):
    lost = {"lock": NotFoundError("the lock has ended")}
    pubsub = EventGridPubSub(None, None, Namespace(RefusedError(status), lost))
    source = Source(service="pubsub", name="name", topic="topic")
    op = Ack(source=source, messages=(Message(id="", body=b"", source=source, lease="lock"),))
    with pytest.raises(RefusedError):
        await pubsub._ack(op)
    (result,) = await pubsub._ack(op)
    assert result.ok is done
