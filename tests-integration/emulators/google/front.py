"""A front for emulators that check nobody: gRPC over TLS, for who has a token.

It passes calls on as bytes, whatever they are about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]

from emulators.process import HOST

THREADS = 16
REFUSAL = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
    "other valid authentication credential."
)
_KEPT = "google-cloud-resource-prefix", "x-goog-request-params"


class _Front(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, channel: grpc.Channel, tokens: Collection[str]) -> None:
        self._channel = channel
        self._tokens = tokens

    def service(self, handler_call_details: Any) -> Any:
        """How to answer a call: any kind is, on the wire, a stream of messages each way."""

        def answer(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            return self._pass_on(handler_call_details, requests, context)

        return grpc.stream_stream_rpc_method_handler(answer)

    def _pass_on(self, details: Any, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        metadata = dict(details.invocation_metadata)
        scheme, _, token = metadata.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._tokens:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)
        passed: Any = [(name, metadata[name]) for name in _KEPT if name in metadata]
        passed.append(("authorization", "Bearer owner"))  # by which emulators know servers
        call = self._channel.stream_stream(details.method)
        try:
            yield from call(requests, metadata=passed, timeout=context.time_remaining())
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())


@contextmanager
def signed_front(url: str, certificate: Path, key: Path, tokens: Collection[str]) -> Iterator[str]:
    """A front while the block runs; gives its URL.

    Args:
        url: Of the emulator.
        certificate: The file of its certificate.
        key: The file of the certificate's key.
        tokens: Access tokens that it lets through, as they are at each call.
    """
    server = grpc.server(ThreadPoolExecutor(THREADS))
    pair = (key.read_bytes(), certificate.read_bytes())
    port = server.add_secure_port(f"{HOST}:0", grpc.ssl_server_credentials([pair]))
    with grpc.insecure_channel(url.removeprefix("http://")) as channel:
        server.add_generic_rpc_handlers((_Front(channel, tokens),))
        server.start()
        try:
            yield f"https://{HOST}:{port}"
        finally:
            server.stop(None).wait()
