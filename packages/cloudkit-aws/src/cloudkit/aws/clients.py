"""boto3's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cloudkit.aws.auth import KeyBridge, is_refusal, make_session
from cloudkit.aws.config import AwsConfig
from cloudkit.aws.timestamps import read_timestamp
from cloudkit.common import Credentials
from cloudkit.core import BaseClients, CloudContext

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.loaders import Loader

ServiceName: TypeAlias = Literal["s3", "dynamodb", "sqs", "sns", "lambda", "sts"]

LONG_READS: dict[str, float] = {"sqs": 20.0}
"""Seconds for which a service may rightly say nothing, on top of the configured timeout."""

SMALL_BODY = 1024 * 1024
"""Bytes below which a body is sent without asking first (``Expect: 100-continue``)."""

PAYER = "x-amz-request-payer"

DEFAULT_REGION = "us-east-1"
"""Region that requests to an endpoint of one's own are signed for, where none is configured."""


class AwsClients(BaseClients[AwsConfig, ServiceName]):
    """boto3's clients of one cloud, one a service. Each asks for the credentials of now.

    Args:
        context: Settings, AuthProvider and threads of the cloud.
    """

    def __init__(self, context: CloudContext[AwsConfig]) -> None:
        self._keys = None if context.auth is None else KeyBridge(context.auth)
        super().__init__(context, self._keys)

    def _is_refusal(self, error: Exception) -> bool:
        return is_refusal(error)

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self._session: Any = None

    def _make(self, name: ServiceName, credentials: Credentials | None) -> Any:
        import boto3

        config = self.config
        if self._session is None:
            session = make_session(config, self._keys)
            if session.get_config_variable("data_path") is None:
                session.register_component("data_loader", _shared_loader())
            parsers = session.get_component("response_parser_factory")
            parsers.set_parser_defaults(timestamp_parser=read_timestamp)
            self._session = boto3.Session(botocore_session=session)
        endpoint = config.endpoint_of(name)
        region = None if config.region is None else config.region.name
        if region is None and self._session.region_name is None and endpoint is not None:
            region = DEFAULT_REGION
        client = self._session.client(
            name, region_name=region, endpoint_url=endpoint, config=self._config(name)
        )
        client.meta.events.register_last("before-call", _send_small_bodies_at_once)
        if name == "s3":
            _fit_s3(client.meta.events, config)
        return client

    def _config(self, service: ServiceName) -> Config:
        from botocore import UNSIGNED, __version__
        from botocore.config import Config
        from cloudkit.core import __version__ as own_version

        config = self.config
        unsigned = config.anonymous or (self._keys is not None and self._keys.anonymous)
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
