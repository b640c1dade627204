"""URLs that work without credentials. The functions block; they run in worker threads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cloudkit.api.storage import PresignedUrl
from cloudkit.api.storage.operations import PresignGet, PresignPut
from cloudkit.aws.auth import signing_ends
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.common import MissingCredentialsError, UnsupportedOperationError, utc_now

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


class Presigner:
    """Signs URLs. Nothing is sent, but fetching credentials may take a request.

    A URL that is signed with temporary credentials ends with them, even when it was to live longer;
    its ``expires_at`` says so where boto3 knows when they end.

    Args:
        settings: What the configuration adds to requests.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def get_url(self, client: S3Client, op: PresignGet) -> PresignedUrl:
        """A URL that reads an object."""
        self._check("presigned_get")
        return self._sign(client, op, "GET", "get_object", {}, {})

    def put_url(self, client: S3Client, op: PresignPut) -> PresignedUrl:
        """A URL that writes an object."""
        self._check("presigned_put")
        params: dict[str, Any] = dict(self._settings.encryption)
        names = {
            "ServerSideEncryption": "x-amz-server-side-encryption",
            "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
        }
        headers = {names[param]: value for param, value in params.items()}
        if op.content_type is not None:
            params["ContentType"] = headers["Content-Type"] = op.content_type
        return self._sign(client, op, "PUT", "put_object", params, headers)

    def _check(self, capability: str) -> None:
        if self._settings.customer:
            raise UnsupportedOperationError(
                "whoever follows a link would have to send the key of sse_customer_key",
                capability=f"storage.{capability}",
            )

    def _sign(
        self,
        client: S3Client,
        op: PresignGet | PresignPut,
        method: str,
        call: str,
        params: dict[str, Any],
        headers: dict[str, str],
    ) -> PresignedUrl:
        from botocore import UNSIGNED

        config: Any = client.meta.config
        if config.signature_version is UNSIGNED:
            raise MissingCredentialsError("without credentials no URL can be signed")
        seconds = int(op.expires_in)  # S3 counts in whole ones
        expires_at = utc_now() + timedelta(seconds=seconds)
        url = client.generate_presigned_url(
            call,
            Params={"Bucket": op.bucket, "Key": op.key, **params, **self._settings.payer},
            ExpiresIn=seconds,
        )
        ends = signing_ends(client)
        if ends is not None:
            expires_at = min(expires_at, ends)
        return PresignedUrl(url=url, method=method, headers=headers, expires_at=expires_at)
