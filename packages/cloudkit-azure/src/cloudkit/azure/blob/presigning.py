"""URLs that work without credentials. The functions block; they run in worker threads."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloudkit.api.storage import PresignedUrl
from cloudkit.api.storage.operations import PresignGet, PresignPut
from cloudkit.azure.blob.client import BlobClient
from cloudkit.azure.blob.keys import to_name
from cloudkit.common import MissingCredentialsError, utc_now

if TYPE_CHECKING:
    from azure.storage.blob import UserDelegationKey

KEY_LIFE = timedelta(days=7)
"""How long the service lets a user delegation key live at most."""

CLOCKS_APART = timedelta(minutes=5)
"""How far this machine's clock may be ahead of the service's."""


class Presigner:
    """Signs URLs: with the account's key, or with a key that the service gives to who signs in.

    Such a user delegation key is fetched once and kept while it outlives the URLs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[BlobClient, UserDelegationKey, datetime] | None = None

    def get_url(self, client: BlobClient, op: PresignGet) -> PresignedUrl:
        """A URL that reads an object."""
        return self._sign(client, op, "GET", {"read": True}, {})

    def put_url(self, client: BlobClient, op: PresignPut) -> PresignedUrl:
        """A URL that writes an object."""
        allowed = {"create": True, "write": True}
        return self._sign(client, op, "PUT", allowed, {"x-ms-blob-type": "BlockBlob"})

    def _sign(
        self,
        client: BlobClient,
        op: PresignGet | PresignPut,
        method: str,
        allowed: dict[str, bool],
        headers: dict[str, str],
    ) -> PresignedUrl:
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        # The service knows whole seconds only; none is taken away.
        end = math.ceil((utc_now() + timedelta(seconds=op.expires_in)).timestamp())
        expires_at = datetime.fromtimestamp(end, UTC)
        name = to_name(op.key)
        signature = generate_blob_sas(
            client.service.account_name or "",
            op.bucket,
            name,
            permission=BlobSasPermissions(**allowed),
            expiry=expires_at,
            **self._signing_key(client, expires_at),
        )
        return PresignedUrl(
            url=f"{client.url(op.bucket, name)}?{signature}",
            method=method,
            headers=headers,
            expires_at=expires_at,
        )

    def _signing_key(self, client: BlobClient, until: datetime) -> dict[str, Any]:
        if client.account_key is not None:
            return {"account_key": client.account_key}
        if not client.signs_in:
            raise MissingCredentialsError(
                "only an account key, or who signs in by a token, can sign URLs"
            )
        with self._lock:
            kept = self._key
            if kept is None or kept[0] is not client or kept[2] < until:
                kept = self._key = self._fetch_key(client)
            return {"user_delegation_key": kept[1]}

    @staticmethod
    def _fetch_key(client: BlobClient) -> tuple[BlobClient, UserDelegationKey, datetime]:
        now = utc_now()
        expiry = now + KEY_LIFE - CLOCKS_APART
        key = client.service.get_user_delegation_key(now - CLOCKS_APART, expiry)
        return client, key, expiry
