"""A namespace of Object Storage: requests of our own, signed and sent by the SDK's client.

The SDK's calls for objects refuse keys of spaces, read listings into slow models and keep headers
apart from bodies. So requests are made here, and what the SDK has made signs and sends them. This is
the only module of the service that knows the SDK's inside.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, TypeVarTuple

from cloudkit.oracle.clients import OracleClients

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")

BUCKETS = "/n/{namespaceName}/b"
BUCKET = "/n/{namespaceName}/b/{bucketName}"


class Space:
    """Sends requests about the buckets and objects of one namespace. Its methods block.

    Args:
        client: The SDK's.
        namespace: Name of the namespace.
    """

    def __init__(self, client: Any, namespace: str) -> None:
        self._base = client.base_client
        self.namespace = namespace

    @property
    def region(self) -> str:
        """Where the client is."""
        return str(self._base.config["region"])

    @property
    def endpoint(self) -> str:
        """URL of the service."""
        return str(self._base.get_endpoint()).rstrip("/")

    def send(
        self,
        method: str,
        path: str,
        bucket: str | None = None,
        name: str | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Any:
        """Send a request, with a body of JSON or none.

        Args:
            method: HTTP's.
            path: With ``{namespaceName}``, ``{bucketName}`` and ``{objectName}``.
            bucket: Name of the bucket.
            name: Name of the object, as the service has it.
            query: Arguments of the URL; None for those that are not given.
            headers: Further headers.
            body: What to send along.

        Returns:
            The SDK's response: its ``data`` is the JSON of the answer.

        Raises:
            ServiceError: The service refused.
            RequestException: The connection failed.
        """
        return self._call(
            method,
            path,
            (bucket, name),
            query_params={k: v for k, v in (query or {}).items() if v is not None},
            header_params={**_JSON, **(headers or {})},
            body=None if body is None else json.dumps(body),
            response_type="object",
            allow_control_chars=True,
        )

    def upload(
        self,
        path: str,
        bucket: str,
        name: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
    ) -> Mapping[str, str]:
        """Send bytes, whose checksum is among the headers: the signature does not cover them.

        Returns:
            The headers of the answer.
        """
        response = self._call(
            "PUT",
            path,
            (bucket, name),
            query_params=dict(query or {}),
            header_params={"accept": "application/json", **headers},
            body=body,
            enforce_content_headers=False,
        )
        headers_found: Mapping[str, str] = response.headers
        return headers_found

    def fetch(self, bucket: str, name: str, headers: Mapping[str, str]) -> Any:
        """Begin to read an object.

        Returns:
            The answer as the SDK's requests have it, with its body still to be read.
        """
        # What is stored compressed is given compressed; nothing else is to be.
        wanted = {"accept": "*/*", "accept-encoding": "identity", **headers}
        return self._call(
            "GET",
            f"{BUCKET}/o/{{objectName}}",
            (bucket, name),
            header_params=wanted,
            response_type="stream",
        ).data

    def _call(
        self, method: str, path: str, names: tuple[str | None, str | None], **options: Any
    ) -> Any:
        bucket, name = names
        params = {"namespaceName": self.namespace, "bucketName": bucket, "objectName": name}
        return self._base.call_api(
            resource_path=path,
            method=method,
            path_params={key: value for key, value in params.items() if value is not None},
            **options,
        )


_JSON = {"accept": "application/json", "content-type": "application/json"}


class Spaces:
    """Finds out the namespace, once, and calls functions with it.

    Args:
        clients: Makes the calls.
    """

    def __init__(self, clients: OracleClients) -> None:
        self._clients = clients
        self._lock = threading.Lock()
        self._namespace = clients.config.namespace

    async def run(self, func: Callable[[Space, *ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(space, *args)`` in a worker thread; see ``OracleClients.run``."""
        return await self._clients.run("object_storage", self._call, func, *args)

    async def run_free(self, func: Callable[[*ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(*args)`` in a worker thread."""
        return await self._clients.run_free(func, *args)

    def compartment(self) -> str:
        """OCID of the compartment of the buckets; see ``OracleClients.compartment``."""
        return self._clients.compartment()

    def _call(self, client: Any, func: Callable[[Space, *ArgsT], T], *args: *ArgsT) -> T:
        return func(Space(client, self._namespace or self._ask(client)), *args)

    def _ask(self, client: Any) -> str:
        with self._lock:
            if self._namespace is None:
                self._namespace = str(client.get_namespace().data)
            return self._namespace
