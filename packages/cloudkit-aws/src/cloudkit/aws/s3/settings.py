"""What the configuration adds to requests: payer, owner, encryption, checksums."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

from attrs import define, field
from cloudkit.aws.config import AwsConfig

_DIGESTS = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256}
_WITHOUT_FLEXIBLE = frozenset({"MD5", "none"})


@define
class S3Settings:
    """The parts of requests that come from the configuration.

    Attributes:
        config: The configuration.
        owner: For every request about a bucket.
        payer: For links.
        common: For every request about an object.
        encryption: For every request that begins to write one.
        customer: For those that read one, or send a part: the caller's own key.
        source: For those that read the source of a copy.
        flexible: Name of the checksum that S3 keeps with objects; None where the store has none.
    """

    config: AwsConfig
    owner: dict[str, Any] = field(init=False)
    payer: dict[str, Any] = field(init=False)
    common: dict[str, Any] = field(init=False)
    encryption: dict[str, Any] = field(init=False)
    customer: dict[str, Any] = field(init=False)
    source: dict[str, Any] = field(init=False)
    flexible: str | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        config = self.config
        owner = config.expected_bucket_owner
        key = config.sse_customer_key
        customer = {
            "SSECustomerAlgorithm": None if key is None else "AES256",
            "SSECustomerKey": None if key is None else base64.b64decode(key),
        }
        kept = {
            "ServerSideEncryption": config.server_side_encryption,
            "SSEKMSKeyId": config.kms_key_id,
        }
        flexible = config.checksum_algorithm not in _WITHOUT_FLEXIBLE
        self.owner = _given(ExpectedBucketOwner=owner)
        self.payer = {"RequestPayer": "requester"} if config.request_payer else {}
        self.common = {**self.owner, **self.payer}
        self.customer = _given(**customer)
        self.encryption = {**_given(**kept), **self.customer}
        self.source = {
            **_given(ExpectedSourceBucketOwner=owner),
            **{f"CopySource{name}": value for name, value in self.customer.items()},
        }
        self.flexible = config.checksum_algorithm if flexible else None

    @property
    def own_endpoint(self) -> bool:
        """Whether the service is another store than AWS's own."""
        return self.config.endpoint_of("s3") is not None

    @property
    def reading_checksums(self) -> dict[str, Any]:
        """What asks for an object's checksums together with its facts."""
        return {} if self.flexible is None else {"ChecksumMode": "ENABLED"}

    def checksum(self, body: bytes) -> dict[str, Any]:
        """The checksum of a body, as parameters. Computed here, so that no body is sent in chunks."""
        algorithm = self.config.checksum_algorithm
        if algorithm == "CRC32":
            return {"ChecksumCRC32": _base64(zlib.crc32(body).to_bytes(4, "big"))}
        if algorithm in _DIGESTS:
            digest = _DIGESTS[algorithm](body, usedforsecurity=False)
            return {f"Checksum{algorithm}": _base64(digest.digest())}
        if algorithm == "MD5":
            return {"ContentMD5": _base64(hashlib.md5(body, usedforsecurity=False).digest())}
        return {} if self.flexible is None else {"ChecksumAlgorithm": algorithm}


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
