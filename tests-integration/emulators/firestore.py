"""Google's emulator of Firestore, out of the Cloud SDK: gRPC and HTTP on one port.

It checks no credentials and asks for no composite indexes; what needs one must be known otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from emulators import cloud_sdk
from emulators.process import HOST, Server, answers, free_port, serving

JAR = "cloud-firestore-emulator/cloud-firestore-emulator.jar"
MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_HEAP = "256m"

DEFECTS: Mapping[str, str] = {}
"""Behaviours that it has otherwise than the service's documentation says, and what it does."""


def missing() -> str | None:
    """Why the emulator cannot run on this machine; None when it can."""
    if cloud_sdk.component(JAR) is None:
        return (
            "the Cloud SDK on this machine has no component cloud-firestore-emulator, which is in "
            "no registry of packages: gcloud components install cloud-firestore-emulator"
        )
    if cloud_sdk.java() is None:
        return "this machine has no java to run Firestore's emulator with"
    return None


@contextmanager
def firestore() -> Iterator[Server]:
    """The emulator while the block runs.

    Raises:
        EmulatorError: It does not come up.
        RuntimeError: It cannot run on this machine; ask ``missing`` before.
    """
    jar, java = cloud_sdk.component(JAR), cloud_sdk.java()
    if jar is None or java is None:
        raise RuntimeError(missing())
    with serving(
        "Firestore's emulator",
        lambda port, folder: [
            *(java, "-Duser.language=en", f"-Xmx{_HEAP}", "-XX:+UseSerialGC"),
            *("-XX:TieredStopAtLevel=1", "-cp", jar, MAIN, "start"),
            *(f"--host={HOST}", f"--port={port}", f"--websocket_port={free_port()}"),
        ],
        answers,
    ) as server:
        yield server
