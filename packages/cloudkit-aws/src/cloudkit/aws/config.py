"""Settings of the AWS provider."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from attrs import Attribute, frozen
from cloudkit.api.validation import is_flag
from cloudkit.aws.capabilities import without
from cloudkit.common import CloudConfig, ValidationError, option, parse_bool
from cloudkit.core import CloudOptions
from cloudkit.core.options import check_endpoint, check_text, check_url, one_of

AddressingStyle: TypeAlias = Literal["auto", "path", "virtual"]
Encryption: TypeAlias = Literal["AES256", "aws:kms", "aws:kms:dsse"]
UploadChecksum: TypeAlias = Literal["CRC32", "CRC64NVME", "SHA1", "SHA256", "MD5", "none"]


CUSTOMER_KEY_BYTES = 32


class AwsOptions(CloudOptions, total=False):
    """The options of ``CloudKit.aws()``; see [AwsConfig][cloudkit.aws.AwsConfig]."""

    profile: str | None
    anonymous: bool
    role_arn: str | None
    role_session_name: str | None
    external_id: str | None
    s3_endpoint: str | None
    dynamodb_endpoint: str | None
    sqs_endpoint: str | None
    sns_endpoint: str | None
    lambda_endpoint: str | None
    sts_endpoint: str | None
    addressing_style: AddressingStyle
    checksum_algorithm: UploadChecksum
    server_side_encryption: Encryption | None
    kms_key_id: str | None
    sse_customer_key: str | None
    request_payer: bool
    expected_bucket_owner: str | None
    use_fips: bool
    use_dualstack: bool
    use_accelerate: bool
    unsupported: Collection[str]


def _check_key(instance: object, attribute: Attribute[Any], value: object) -> None:
    if value is None:
        return
    try:
        size = len(base64.b64decode(str(value), validate=True))
    except ValueError:
        size = 0
    if size != CUSTOMER_KEY_BYTES:  # the key itself is not for a message
        raise ValidationError(f"{attribute.name} must be {CUSTOMER_KEY_BYTES} bytes in base64")


def _check_account(instance: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[0-9]{12}", value)):
        raise ValidationError(f"{attribute.name} must be an account of 12 digits, not {value!r}")


def _flag(doc: str) -> Any:
    return option(default=False, doc=doc, parse=parse_bool, validator=is_flag)


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _to_flags(value: Collection[str]) -> frozenset[str]:
    if isinstance(value, str):
        raise ValidationError("unsupported must be a collection of names, not one text")
    flags = frozenset(value)
    without(flags)
    return flags


def _endpoint(service: str) -> Any:
    return option(
        doc=f"URL of {service}, in place of endpoint",
        variables=(f"AWS_ENDPOINT_URL_{service.upper()}",),
        validator=check_endpoint,
    )


@frozen(kw_only=True)
class AwsConfig(CloudConfig):
    """Settings of the AWS provider. What is not set comes from boto3's own files and variables.

    Attributes:
        profile: Profile of ``~/.aws/config`` and ``~/.aws/credentials``.
        anonymous: Send requests unsigned, for public buckets.
        role_arn: Role to assume, with the credentials that were found.
        role_session_name: Name of its sessions, for the audit trail.
        external_id: What the role's owner asks for.
        s3_endpoint: URL of S3, in place of ``endpoint``.
        dynamodb_endpoint: URL of DynamoDB, likewise.
        sqs_endpoint: URL of SQS, likewise.
        sns_endpoint: URL of SNS, likewise.
        lambda_endpoint: URL of Lambda, likewise.
        sts_endpoint: URL of STS, which gives out the credentials of roles, likewise.
        addressing_style: Where the bucket stands in URLs: ``"virtual"`` in the host, ``"path"`` in
            the path. ``"auto"`` is the host for AWS and the path for an endpoint of one's own.
        checksum_algorithm: Checksum that S3 is sent with each body and keeps with the object.
            ``"MD5"`` sends Content-MD5, which every store knows; ``"none"`` sends nothing.
        server_side_encryption: How S3 encrypts what is written; the bucket's default when None.
        kms_key_id: Key for ``"aws:kms"`` and ``"aws:kms:dsse"``.
        sse_customer_key: 32 bytes in base64, with which S3 encrypts what is written and decrypts what
            is read, without keeping them (SSE-C). S3 asks for https then.
        request_payer: Pay for requests to buckets that ask for it.
        expected_bucket_owner: Account, in 12 digits, that buckets must belong to; requests to those of
            others are PermissionDeniedErrors.
        use_fips: Use the endpoints with cryptography that FIPS 140 approves.
        use_dualstack: Use the endpoints that are reached over IPv6 as well.
        use_accelerate: Use S3's network of edge locations, for buckets that are set up for it.
        unsupported: Capability flags that a store speaking AWS's protocol does not have, for
            example ``["storage.conditional_delete"]``. Asking for them is refused at once.
    """

    provider_name: ClassVar[str] = "aws"
    native_variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
        "endpoint": ("AWS_ENDPOINT_URL",),
    }

    profile: str | None = option(
        doc="profile of ~/.aws", variables=("AWS_PROFILE",), validator=check_text
    )
    anonymous: bool = _flag("send requests unsigned")
    role_arn: str | None = option(doc="role to assume", validator=check_text)
    role_session_name: str | None = option(doc="name of its sessions", validator=check_text)
    external_id: str | None = option(doc="what the role's owner asks for", validator=check_text)
    s3_endpoint: str | None = _endpoint("s3")
    dynamodb_endpoint: str | None = _endpoint("dynamodb")
    sqs_endpoint: str | None = _endpoint("sqs")
    sns_endpoint: str | None = _endpoint("sns")
    lambda_endpoint: str | None = _endpoint("lambda")
    sts_endpoint: str | None = _endpoint("sts")
    addressing_style: AddressingStyle = option(
        "auto", doc="where the bucket stands in URLs", validator=one_of(get_args(AddressingStyle))
    )
    checksum_algorithm: UploadChecksum = option(
        "CRC32",
        doc="checksum that S3 is sent with each body; MD5 or none for stores that know no other",
        validator=one_of(get_args(UploadChecksum)),
    )
    server_side_encryption: Encryption | None = option(
        doc="how S3 encrypts what is written", validator=one_of(get_args(Encryption))
    )
    kms_key_id: str | None = option(doc="key for aws:kms", validator=check_text)
    sse_customer_key: str | None = option(
        doc="key of the caller's own for S3, 32 bytes in base64", secret=True, validator=_check_key
    )
    request_payer: bool = _flag("pay for requests")
    expected_bucket_owner: str | None = option(
        doc="account that buckets must belong to", validator=_check_account
    )
    use_fips: bool = _flag("use FIPS endpoints")
    use_dualstack: bool = _flag("use endpoints with IPv6")
    use_accelerate: bool = _flag("use S3 Transfer Acceleration")
    unsupported: Collection[str] = option(
        frozenset(),
        doc="capability flags that the store does not have, separated by commas",
        parse=_split,
        converter=_to_flags,
    )

    def __attrs_post_init__(self) -> None:
        check_url("endpoint", self.endpoint)
        if self.anonymous and self.role_arn is not None:
            raise ValidationError("anonymous and role_arn exclude each other")
        if self.kms_key_id is not None and not str(self.server_side_encryption).startswith(
            "aws:kms"
        ):
            raise ValidationError('kms_key_id needs server_side_encryption="aws:kms"')
        if self.sse_customer_key is not None and self.server_side_encryption is not None:
            raise ValidationError("sse_customer_key and server_side_encryption exclude each other")

    def endpoint_of(self, service: str) -> str | None:
        """URL of a service, by boto3's name for it; None for AWS's own."""
        own: str | None = getattr(self, f"{service}_endpoint", None)
        return own or self.endpoint
