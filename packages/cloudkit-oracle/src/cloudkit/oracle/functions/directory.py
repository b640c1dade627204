"""Which functions there are, and where they are invoked. The methods block, but for ``find``.

A function is named by its display name in the application of the configuration, by
``application/function``, or by its OCID.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen
from cloudkit.api.functions import FunctionInfo
from cloudkit.common import ConflictError, NotFoundError
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.errors import status_of

FUNCTION_ID = "ocid1.fnfunc."
APPLICATION_ID = "ocid1.fnapp."
MAX_PAGE = 50
GONE = frozenset({"DELETING", "DELETED"})


@frozen
class Place:
    """Where a function is.

    Attributes:
        identity: Its OCID.
        endpoint: URL that invokes it.
    """

    identity: str
    endpoint: str


class Directory:
    """Finds functions, and remembers where they were.

    Args:
        clients: Makes the calls.
    """

    def __init__(self, clients: OracleClients) -> None:
        self._clients = clients
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}

    async def find(self, name: str) -> tuple[Place, bool]:
        """Where a function is, and whether that was known before.

        Raises:
            NotFoundError: There is none.
            ConflictError: Several applications have one.
        """
        place = self._places.get(name)
        if place is not None:
            return place, True
        found = await self._clients.run("functions_management", self._find, name)
        if found is None:
            raise NotFoundError("there is no such function")
        with self._lock:
            self._places[name] = found
        return found, False

    def forget(self, name: str) -> None:
        """Look for a function anew when it is next wanted."""
        with self._lock:
            self._places.pop(name, None)

    async def exists(self, name: str) -> bool:
        """Whether there is a function, by asking the service."""
        try:
            return await self._clients.run("functions_management", self._find, name) is not None
        except Exception as error:
            if status_of(error) == 404:
                return False
            raise

    def list_all(self, client: Any) -> list[FunctionInfo]:
        """All functions by name: of the configured application, or of all with its name before."""
        found = [
            FunctionInfo(name=name, modified_at=each.time_updated)
            for application, prefix in self._applications(client)
            for each in _pages(client.list_functions, application)
            if each.lifecycle_state not in GONE
            for name in [prefix + each.display_name]
        ]
        return sorted(found, key=lambda info: info.name)

    def _find(self, client: Any, name: str) -> Place | None:
        if name.startswith(FUNCTION_ID):
            return _by_identity(client, name)
        application, separator, function = name.rpartition("/")
        wanted = application if separator else self._clients.config.application
        found = [
            Place(each.id, each.invoke_endpoint)
            for identity in self._named(client, wanted)
            for each in _pages(client.list_functions, identity, display_name=function)
            if each.lifecycle_state not in GONE
        ]
        if len(found) > 1:
            raise ConflictError(
                "several applications have a function of this name",
                hint="Write 'application/function', or give the option 'application'.",
            )
        return found[0] if found else None

    def _applications(self, client: Any) -> list[tuple[str, str]]:
        """OCIDs, and what the names of their functions begin with here."""
        if self._clients.config.application is not None:
            return [(each, "") for each in self._named(client, self._clients.config.application)]
        compartment = self._clients.compartment()
        found = _pages(client.list_applications, compartment)
        return [(each.id, f"{each.display_name}/") for each in found]

    def _named(self, client: Any, application: str | None) -> list[str]:
        """OCIDs of the applications of a name; of all when it is None."""
        if application is not None and application.startswith(APPLICATION_ID):
            return [application]
        options = {} if application is None else {"display_name": application}
        found = _pages(client.list_applications, self._clients.compartment(), **options)
        return [each.id for each in found if each.lifecycle_state not in GONE]


def _by_identity(client: Any, identity: str) -> Place | None:
    found = client.get_function(identity).data
    return None if found.lifecycle_state in GONE else Place(found.id, found.invoke_endpoint)


def _pages(call: Callable[..., Any], where: str, **options: Any) -> Iterator[Any]:
    """All that a list has."""
    page: dict[str, str] = {}
    while True:
        answer = call(where, limit=MAX_PAGE, **page, **options)
        yield from answer.data
        token = answer.headers.get("opc-next-page")
        if token is None:
            return
        page = {"page": token}
