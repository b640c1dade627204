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

import anyio
from cloudkit.aws.auth import KeyBridge, is_refusal, make_session
from cloudkit.aws.config import AwsConfig
from cloudkit.aws.handover import Handover
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

UNDO_SECONDS = 0.05
"""How long a cancelled task waits for a thread to begin with undoing."""

PAYER = "x-amz-request-payer"

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
        used = bridge.current()
        try:
            return await self._context.run_sync(self._call, service, func, *args)
        except Exception as error:
            if not is_refusal(error):
                raise
            # Another task may have seen to others meanwhile.
            if bridge.current() == used and not await bridge.renew():
                raise
        return await self._context.run_sync(self._call, service, func, *args)

    async def run_or_undo(
        self,
        service: ServiceName,
        func: Callable[[Any], T],
        undo: Callable[[Any, T], object],
    ) -> T:
        """Call ``func(client)`` like ``run``, and undo what it did if the task is cancelled.

        A task that is cancelled goes on at once: ``undo`` is called when the call ends, in its thread.

        Args:
            service: boto3's name of the service.
            func: Makes the call; blocks.
            undo: Gets the client and the outcome; blocks.

        Returns:
            What the call returned.

        Raises:
            ClientClosedError: The cloud has been closed.
            Exception: Whatever boto3 raised.
        """
        handover = Handover[T]()

        def call(client: Any) -> T:
            outcome = func(client)
            if not handover.bring(outcome):
                undo(client, outcome)
            return outcome

        try:
            return await self.run(service, call)
        except anyio.get_cancelled_exc_class():
            late = handover.give_up()
            if late is not None:  # it came in the very moment
                with anyio.move_on_after(UNDO_SECONDS, shield=True):
                    await self.run(service, undo, late)
            raise

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
        if service == "s3":
            _fit_s3(client.meta.events, config)
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
            use_fips_endpoint=config.use_fips or None,  # None leaves it to boto3's own settings
            use_dualstack_endpoint=config.use_dualstack or None,
            # Networks drop connections that are silent for minutes, as while a function runs.
            tcp_keepalive=True,
            s3=_s3_options(config),
            # Named for S3, a version would shut out the one that directory buckets ask for.
            signature_version=UNSIGNED if unsigned else None,
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
    if config.use_accelerate:
        options["use_accelerate_endpoint"] = True
    endpoint = config.endpoint_of("s3")
    if endpoint is None or endpoint.startswith("https:"):
        # TLS protects the body, so that it need not be hashed for the signature as well.
        options["payload_signing_enabled"] = False
    return options


def _fit_s3(events: Any, config: AwsConfig) -> None:
    events.register_first("choose-signer.s3", _sign_links_by_version_4)
    events.register_first("before-endpoint-resolution.s3", _name_the_region_in_links)
    events.register_last("before-sign.s3", _ask_in_the_query)
    if config.checksum_algorithm in {"MD5", "none"}:
        events.register_last("before-call.s3.DeleteObjects", _send_content_md5)


def _sign_links_by_version_4(signature_version: Any, **_: Any) -> str | None:
    """boto3 signs URLs by version 2 unless it is told otherwise, which most regions refuse."""
    return "s3v4-query" if signature_version in {"v4-query", "s3v4-query"} else None


def _name_the_region_in_links(context: dict[str, Any], **_: Any) -> None:
    """boto3 makes URLs without a region, which newer regions refuse and new buckets redirect.

    See https://github.com/boto/boto3/pull/4768.
    """
    context["use_global_endpoint"] = False


def _ask_in_the_query(request: Any, **_: Any) -> None:
    """Who pays may stand in a URL as well; as a header, whoever follows the link would have to send it.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html.
    """
    if request.context.get("is_presign_request") and PAYER in request.headers:
        request.params = {**request.params, PAYER: request.headers[PAYER]}
        del request.headers[PAYER]


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
