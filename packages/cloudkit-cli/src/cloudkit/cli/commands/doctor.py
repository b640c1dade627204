"""``doctor``: what is set up, what answers, what is allowed, and what to do about the rest."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import Factory, define, frozen
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.durations import DURATION
from cloudkit.cli.exits import Exit, ReportedError, exit_of, exit_of_all, hint_of, sentence
from cloudkit.cli.output import Output
from cloudkit.cli.places import CloudName, Place, PlaceType
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.api import Cloud, Pager

T = TypeVar("T")
COLUMNS = ("provider", "check", "status", "detail")

_CALLS: dict[str, Callable[[Cloud], Pager[Any]]] = {
    "storage.list_buckets": lambda cloud: cloud.storage.list_buckets(page_size=1),
    "kv.list_tables": lambda cloud: cloud.kv.list_tables(page_size=1),
    "queue.list_queues": lambda cloud: cloud.queue.list_queues(page_size=1),
    "pubsub.list_topics": lambda cloud: cloud.pubsub.list_topics(page_size=1),
    "functions.list_functions": lambda cloud: cloud.functions.list_functions(page_size=1),
}
_STATUSES = {
    Exit.USAGE: "not set up",
    Exit.NOT_FOUND: "missing",
    Exit.DENIED: "denied",
    Exit.NOT_INSTALLED: "not installed",
    Exit.UNSUPPORTED: "unsupported",
    Exit.UNREACHABLE: "no answer",
}
_HARMLESS = frozenset({Exit.UNSUPPORTED, Exit.USAGE})
"""A contract that is not there, or is not used and hence not set up, is no failure."""


@click.command(cls=Command, short_help="Say what is wrong, and what helps.")
@click.argument("provider", required=False, type=PlaceType(bare=True))
@click.option("--timeout", type=DURATION, default="10s", show_default=True, help="For one call.")
@click.pass_obj
def doctor(settings: Settings, provider: Place | None, timeout: float) -> int | None:
    """Look at what is set up, and say what helps where something is not.

    For one provider or profile, or all that are installed: where the credentials come from (never
    what they are), whether the endpoint answers, and which calls are permitted.

    With a bucket (doctor s3://photos) that bucket is looked at too. Nothing is written.
    """

    async def work() -> list[_Patient]:
        from cloudkit.spi import NoRetry

        extra: dict[str, Any] = {"timeout": timeout, "connect_timeout": timeout, "retry": NoRetry()}
        clouds = Clouds(settings, memory=True, **extra)
        async with clouds:
            return await _together(partial(_examined, clouds, one) for one in _places(provider))

    patients: list[_Patient] = []

    async def collected() -> None:
        patients.extend(await work())

    run(collected)
    rows = [row for patient in patients for row in patient.rows]
    if provider is None:
        rows += _missing()
    Output(settings).table(COLUMNS, rows)
    code = exit_of_all([error for one in patients for error in one.failures(provider is not None)])
    if code:
        raise ReportedError(code)
    return None


def _places(provider: Place | None) -> list[Place]:
    from cloudkit.core import installed_providers

    if provider is not None:
        return [provider]
    return [Place(CloudName(info.name), root=f"{info.name}:") for info in installed_providers()]


def _missing() -> list[dict[str, Any]]:
    from cloudkit.core import ProviderType, installed_providers

    names = {info.name for info in installed_providers()}
    return [
        {
            "provider": kind.value,
            "check": "installed",
            "status": "not installed",
            "detail": f"Run: pip install {kind.distribution}",
        }
        for kind in ProviderType
        if kind.value not in names
    ]


@frozen
class _Call:
    """A call that was tried, and how long it took."""

    check: str
    error: Exception | None
    seconds: float


@define
class _Patient:
    """What was found about one provider."""

    name: str
    rows: list[dict[str, Any]] = Factory(list)
    failed: list[Exception] = Factory(list)
    answered: bool = False
    asked: bool = False
    allowed: int = 0

    def fine(self, check: str, detail: str) -> None:
        self._add(check, "ok", detail)

    def sick(self, check: str, error: Exception) -> None:
        self.failed.append(error)
        parts = (getattr(error, "message", None) or sentence(error), hint_of(error))
        detail = ". ".join(" ".join(part.split()) for part in parts if part)
        self._add(check, _STATUSES.get(exit_of(error), "failed"), detail)

    def note(self, check: str, status: str, detail: str) -> None:
        self._add(check, status, detail)

    def note_call(self, call: _Call) -> None:
        """Note a call that was tried."""
        if call.error is None:
            self.fine(call.check, f"permitted, {call.seconds * 1000:.0f} ms")
            self.answered = True
            self.allowed += 1
            return
        self.sick(call.check, call.error)
        # What the client itself refused was never sent, so nobody was asked.
        answers = (getattr(call.error, name, None) for name in ("status", "request_id"))
        self.answered |= any(answer is not None for answer in answers)
        self.asked |= exit_of(call.error) == Exit.UNREACHABLE

    def failures(self, asked_for: bool) -> list[Exception]:
        """What makes the command fail: less where nobody has asked for this provider."""
        errors = self.failed
        serious = [error for error in errors if exit_of(error) not in _HARMLESS]
        if self.allowed:
            return serious
        if not asked_for and all(exit_of(one) in {*_HARMLESS, Exit.DENIED} for one in errors):
            return []
        return serious or errors

    def _add(self, check: str, status: str, detail: str) -> None:
        self.rows.append(
            {"provider": self.name, "check": check, "status": status, "detail": detail}
        )


async def _examined(clouds: Clouds, place: Place) -> _Patient:
    patient = _Patient(str(place.cloud))
    try:
        cloud = await clouds.get(place.cloud)
    except Exception as error:  # noqa: BLE001  (that is what is wanted to be known)
        patient.sick("configuration", error)
        return patient
    patient.fine("installed", _version(cloud.provider))
    try:
        for service, source in (await cloud.credential_sources()).items():
            patient.fine(f"credentials {service}".strip(), source)
    except Exception as error:  # noqa: BLE001  (likewise)
        patient.sick("credentials", error)
    position = len(patient.rows)
    calls = dict(_CALLS)
    if place.name:
        calls[f"objects of {place.name}"] = lambda one: one.storage.list_objects(
            place.name, page_size=1
        )
    tried = (partial(_try, cloud, check, call) for check, call in calls.items())
    for outcome in await _together(tried):
        patient.note_call(outcome)
    _judge_endpoint(patient, cloud, position)
    return patient


async def _together(works: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Do things at once: who does not answer keeps the others waiting only once."""
    import anyio

    given = list(works)
    found: dict[int, T] = {}

    async def one(number: int) -> None:
        found[number] = await given[number]()

    async with anyio.create_task_group() as tasks:
        for number in range(len(given)):
            tasks.start_soon(one, number)
    return [found[number] for number in range(len(given))]


async def _try(cloud: Cloud, check: str, call: Callable[[Cloud], Pager[Any]]) -> _Call:
    began = time.perf_counter()
    try:
        async for _ in call(cloud):
            break
    except Exception as error:  # noqa: BLE001  (likewise)
        return _Call(check, error, 0.0)
    return _Call(check, None, time.perf_counter() - began)


def _judge_endpoint(patient: _Patient, cloud: Cloud, position: int) -> None:
    config = getattr(cloud, "config", None)
    endpoint = getattr(config, "endpoint", None) or "the provider's own"
    region = "" if cloud.region is None else f", region {cloud.region}"
    status = "no answer" if patient.asked else "not asked"
    patient.note("endpoint", "ok" if patient.answered else status, f"{endpoint}{region}")
    patient.rows.insert(position, patient.rows.pop())


def _version(provider: str) -> str:
    from cloudkit.core import installed_providers

    found = [info for info in installed_providers() if info.name == provider]
    return " ".join(f"{info.distribution} {info.version}" for info in found)
