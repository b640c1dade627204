"""URLs that work without credentials. The functions block; they run in worker threads.

https://cloud.google.com/storage/docs/access-control/signed-urls
"""

from __future__ import annotations

from datetime import timedelta

from cloudkit.api.storage import PresignedUrl
from cloudkit.api.storage.operations import PresignGet, PresignPut
from cloudkit.common import utc_now
from cloudkit.gcp.storage.client import StorageClient
from cloudkit.gcp.storage.keys import to_name
from cloudkit.gcp.storage.writing import encryption


def get_url(client: StorageClient, op: PresignGet) -> PresignedUrl:
    """A URL that reads an object."""
    return _sign(client, op, "GET", {})


def put_url(client: StorageClient, op: PresignPut) -> PresignedUrl:
    """A URL that writes an object."""
    headers = encryption(client, "x-goog-encryption-kms-key-name")
    if op.content_type is not None:
        headers["Content-Type"] = op.content_type
    return _sign(client, op, "PUT", headers)


def _sign(
    client: StorageClient, op: PresignGet | PresignPut, method: str, headers: dict[str, str]
) -> PresignedUrl:
    from cloudkit.gcp.iam import signer_for

    signer = signer_for(client.settings, client.session.sign_in)
    seconds = int(op.expires_in)  # the service counts in whole ones
    expires_at = utc_now() + timedelta(seconds=seconds)
    url = (
        client.service.bucket(op.bucket)
        .blob(to_name(op.key))
        .generate_signed_url(
            version="v4",
            expiration=timedelta(seconds=seconds),
            method=method,
            headers=dict(headers),
            credentials=signer,
            api_access_endpoint=client.url,
        )
    )
    return PresignedUrl(url=url, method=method, headers=headers, expires_at=expires_at)
