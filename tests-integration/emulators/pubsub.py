"""Google's emulator of Pub/Sub, where the Cloud SDK of this machine has it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulators.defects import Erratic
from emulators.process import HOST, EmulatorError, Server, serving

JAR = "pubsub-emulator/lib/cloud-pubsub-emulator-*.jar"
FOLDERS = (
    "/usr/lib/google-cloud-sdk",
    "/usr/lib64/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "~/google-cloud-sdk",
)
"""Where packages and installers put the Cloud SDK."""

_FILTERS = "it takes filters and lets all messages through"
_ORDER = (
    "a message that was given back, or whose lease has ended, comes behind those of its ordering key "
    "that were not received yet"
)

ORDER_DEFECTS: Mapping[str, str] = {
    "test_a_message_given_back_comes_before_those_behind_it": _ORDER,
    "test_consuming_keeps_the_order_of_a_group": Erratic(_ORDER),
    "test_messages_of_a_group_that_wait_go_back_when_consuming_is_cancelled": Erratic(_ORDER),
}

PUBSUB_DEFECTS: Mapping[str, str] = {
    **ORDER_DEFECTS,
    # What may be pushed may come before what may not.
    "test_a_filter_holds_for_what_is_pushed": Erratic(_FILTERS),
    "test_a_filter_lets_only_its_messages_through[one value]": _FILTERS,
    "test_a_filter_lets_only_its_messages_through[two values]": _FILTERS,
    "test_a_filter_lets_only_its_messages_through[two attributes]": _FILTERS,
    "test_a_filter_lets_only_its_messages_through[two of both]": _FILTERS,
    "test_a_filter_lets_only_its_messages_through[nothing]": _FILTERS,
    "test_a_filter_works_on_each_message_of_a_batch": _FILTERS,
    "test_strange_values_are_filtered_by_as_they_are": _FILTERS,
}
"""Behaviours that it has otherwise than the service's documentation says, and what it does."""


QUEUE_DEFECTS: Mapping[str, str] = ORDER_DEFECTS
"""The same for queues made of topics."""


@contextmanager
def pubsub() -> Iterator[Server]:
    """Pub/Sub over gRPC while the block runs; its projects need not be made.

    Where the Cloud SDK does not have the emulator, the tests are reported as not run: it is in no
    registry. Where it has, whatever keeps it from coming up is a failure.
    """
    jar = find_jar(JAR)
    if jar is None:
        pytest.skip(
            "not run: the Cloud SDK has no Pub/Sub emulator here "
            "('gcloud components install pubsub-emulator')"
        )
    java = shutil.which("java")
    if java is None:
        raise EmulatorError("the Pub/Sub emulator is there, but not the 'java' that runs it")
    with serving(
        "pubsub-emulator",
        lambda port, folder: [
            *(java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", jar),
            *(f"--host={HOST}", f"--port={port}"),
        ],
        _listens,
    ) as server:
        yield server


def find_jar(pattern: str) -> Path | None:
    """The newest program of the Cloud SDK's that matches; None where there is none.

    Args:
        pattern: Below the Cloud SDK's folder of platforms.
    """
    gcloud = shutil.which("gcloud")
    found = [] if gcloud is None else [Path(gcloud).resolve().parents[1]]
    for folder in (*found, *(Path(name).expanduser() for name in FOLDERS)):
        jars = sorted((folder / "platform").glob(pattern))
        if jars:
            return jars[-1]
    return None


def _listens(url: str) -> bool:
    with socket.create_connection((HOST, urlsplit(url).port or 0), timeout=5):
        return True
