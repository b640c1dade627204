"""Fixtures for who tests an application: a cloud of the test's own, and faults in it.

The plugin brings them along, so a test only names them. They are for tests that anyio's plugin runs,
those with ``pytest.mark.anyio``, on whatever runtime each of them is run on.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from cloudkit.facade import CloudKit
from cloudkit.spi import ExponentialBackoff
from cloudkit.testing.faults import Faults

if TYPE_CHECKING:
    from cloudkit.local import LocalCloud


@pytest.fixture
def local_cloud_options() -> Mapping[str, Any]:
    """Options of ``local_cloud``: none. Define a fixture of this name to give it some.

    Any option of ``CloudKit.local()`` will do: ``{"path": tmp_path / "cloud"}`` for files in place of
    memory, ``{"timeout": 1}``, ``{"functions": {...}}``.
    """
    return {}


@pytest.fixture
def local_cloud_faults() -> Faults:
    """What goes wrong in ``local_cloud``: nothing, until the test says so. It counts attempts, too."""
    return Faults()


@pytest.fixture
async def local_cloud(
    anyio_backend: object,  # asked for, so that anyio's plugin runs this for any test
    local_cloud_options: Mapping[str, Any],
    local_cloud_faults: Faults,
) -> AsyncIterator[LocalCloud]:
    """A cloud of the test's own: local, in memory, empty, and closed at the end of the test.

    Failed attempts are repeated as by default, but without a wait in between. ``CLOUD_*`` variables
    do not count: a test is the same for everybody who runs it.
    """
    options = {"path": None, "retry": ExponentialBackoff(base=0), **local_cloud_options}
    # The faults are next to the provider: what the test's own interceptors do is seen to as well.
    options["interceptors"] = [*(options.get("interceptors") or ()), local_cloud_faults]
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("CLOUD_")]:
            environment.delenv(name)
        cloud = CloudKit.local(**options)
    async with cloud:
        yield cloud
