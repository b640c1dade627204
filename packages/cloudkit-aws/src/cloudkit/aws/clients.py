"""boto3's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, TypeVarTuple

from cloudkit.aws.auth import REFUSED, KeyBridge, make_session
from cloudkit.aws.config import AwsConfig
from cloudkit.aws.errors import code_of
from cloudkit.aws.timestamps import read_timestamp
from cloudkit.core import CloudContext

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.loaders import Loader

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")
ServiceName: TypeAlias = Literal["s3", "dynamodb", "sqs", "sns", "lambda", "sts"]

LONG_READS: dict[str, float] = {"sqs": 20.0}
"""Seconds for which a service may rightly say nothing, on top of the configured timeout."""

SMALL_BODY = 1024 * 1024
"""Bytes below which a body is sent without asking first (``Expect: 100-continue``)."""

DEFAULT_REGION = "us-east-1"
"""Region that requests to an endpoint of one's own are signed for, where none is configured."""


class AwsClients:
    """The clients of one cloud, one a service.

    A contract calls the service like this, with exactly one change of thread::

        async def _delete_object(self, op: DeleteObject) -> None:
            await self._clients.run("s3", delete, op)

        def delete(client: S3Client, op: DeleteObject) -> None:
            client.delete_object(Bucket=op.bucket, Key=op.key)

    boto3's own errors pass through; ``errors.translate`` turns them into CloudErrors later.

    Args:
        context: Settings, AuthProvider and threads of the cloud.
    """

    def __init__(self, context: CloudContext[AwsConfig]) -> None:
        self._context = context
        self._bridge = None if context.auth is None else KeyBridge(context.auth)
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._process = os.getpid()
        context.on_close(self._close)

    @property
    def config(self) -> AwsConfig:
        """The settings of the cloud."""
        return self._context.config

    async def run(self, service: ServiceName, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(client, *args)`` in a worker thread.

        Credentials of the user's AuthProvider are seen to first; when the service refuses them as
        expired or unknown, the provider is asked for others and the call is made again, once.

        Args:
            service: boto3's name of the service.
            func: Makes the calls; blocks.
            *args: What it gets behind the client.

        Returns:
            What it returned.

        Raises:
            ClientClosedError: The cloud has been closed.
            Exception: Whatever boto3 raised.
        """
        bridge = self._bridge
        if bridge is None:
            return await self._context.run_sync(self._call, service, func, *args)
        await bridge.prepare()
        try:
            return await self._context.run_sync(self._call, service, func, *args)
        except Exception as error:
            if code_of(error) not in REFUSED or not await bridge.renew():
                raise
        return await self._context.run_sync(self._call, service, func, *args)

    async def run_free(self, func: Callable[[*ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(*args)`` in a worker thread, for what needs no client (reading a body)."""
        return await self._context.run_sync(func, *args)

    async def prepare(self) -> None:
        """Ask the user's AuthProvider, if there is one, so that clients can be used directly."""
        if self._bridge is not None:
            await self._bridge.prepare()

    def client(self, service: ServiceName) -> Any:
        """The client of a service. Blocks for up to a second when it is asked for first."""
        if self._process != os.getpid():
            self._start_afresh()  # connections must not be shared with a parent process
        client = self._clients.get(service)
        if client is None:
            with self._lock:
                client = self._clients.get(service)
                if client is None:
                    client = self._clients[service] = self._make(service)
        return client

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._clients = {}
        self._session = None
        self._process = os.getpid()

    def _call(self, service: ServiceName, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        return func(self.client(service), *args)

    def _make(self, service: ServiceName) -> Any:
        import boto3

        config = self.config
        if self._session is None:
            session = make_session(config, self._bridge)
            if session.get_config_variable("data_path") is None:
                session.register_component("data_loader", _shared_loader())
            parsers = session.get_component("response_parser_factory")
            parsers.set_parser_defaults(timestamp_parser=read_timestamp)
            self._session = boto3.Session(botocore_session=session)
        endpoint = config.endpoint_of(service)
        region = None if config.region is None else config.region.name
        if region is None and self._session.region_name is None and endpoint is not None:
            region = DEFAULT_REGION
        client = self._session.client(
            service, region_name=region, endpoint_url=endpoint, config=self._config(service)
        )
        client.meta.events.register_last("before-call", _send_small_bodies_at_once)
        if service == "s3" and config.checksum_algorithm in {"MD5", "none"}:
            client.meta.events.register_last("before-call.s3.DeleteObjects", _send_content_md5)
        return client

    def _config(self, service: ServiceName) -> Config:
        from botocore import UNSIGNED, __version__
        from botocore.config import Config
        from cloudkit.core import __version__ as own_version

        config = self.config
        unsigned = config.anonymous or (self._bridge is not None and self._bridge.anonymous)
        patience = None if config.timeout is None else config.timeout + LONG_READS.get(service, 0)
        return Config(
            # One retry loop: the executor's.
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=config.connect_timeout,
            read_timeout=patience,
            max_pool_connections=config.max_concurrency,
            # Built once, not anew for each request.
            user_agent=f"cloudkit/{own_version} botocore/{__version__}",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3=_s3_options(config),
            # S3's URLs are signed by an older scheme unless the newer one is asked for.
            signature_version=UNSIGNED if unsigned else "s3v4" if service == "s3" else None,
        )

    async def _close(self) -> None:
        await self._context.run_sync(self._close_all)

    def _close_all(self) -> None:
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()


@cache
def _shared_loader() -> Loader:
    """Reads descriptions of services: always the same ones, and the most of what a client costs."""
    from botocore.loaders import Loader

    return Loader()


def _s3_options(config: AwsConfig) -> Any:
    options: dict[str, Any] = {"addressing_style": config.addressing_style}
    endpoint = config.endpoint_of("s3")
    if endpoint is None or endpoint.startswith("https:"):
        # TLS protects the body, so that it need not be hashed for the signature as well.
        options["payload_signing_enabled"] = False
    return options


def _send_content_md5(params: dict[str, Any], **_: Any) -> None:
    """A batch delete must carry a checksum; this is the one that every store knows."""
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
    params["context"]["checksum"] = {}  # instead of the one that boto3 would add


def _send_small_bodies_at_once(params: dict[str, Any], **_: Any) -> None:
    headers = params["headers"]
    if "Expect" in headers and _is_small(params.get("body")):
        del headers["Expect"]


def _is_small(body: Any) -> bool:
    if isinstance(body, BytesIO):  # boto3 makes one of bytes
        # Its getbuffer() would copy all of the body.
        position = body.tell()
        size = body.seek(0, os.SEEK_END)
        body.seek(position)
        return size < SMALL_BODY
    return hasattr(body, "__len__") and len(body) < SMALL_BODY
