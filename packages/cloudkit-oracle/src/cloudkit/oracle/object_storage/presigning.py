"""URLs that work without credentials: pre-authenticated requests. The functions block.

The service makes and keeps them: https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/usingpreauthenticatedrequests.htm
"""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cloudkit.api.storage import PresignedUrl
from cloudkit.api.storage.operations import PresignGet, PresignPut
from cloudkit.common import utc_now
from cloudkit.oracle.object_storage.keys import to_name
from cloudkit.oracle.object_storage.space import BUCKET, Space

REQUESTS = f"{BUCKET}/p"
REQUEST = f"{BUCKET}/p/{{objectName}}"

OWN = "cloudkit-"
"""What the names of requests begin with that are made here."""

MAX_PAGE = 1000


def get_url(space: Space, op: PresignGet) -> PresignedUrl:
    """A URL that reads an object."""
    return _create(space, op, "GET", "ObjectRead")


def put_url(space: Space, op: PresignPut) -> PresignedUrl:
    """A URL that writes an object."""
    return _create(space, op, "PUT", "ObjectWrite")


def withdraw_all(space: Space, bucket: str) -> int:
    """End all URLs of a bucket that were made here; tells how many there were."""
    withdrawn = 0
    page: str | None = None
    found: list[str] = []
    while True:
        response = space.send("GET", REQUESTS, bucket, query={"limit": MAX_PAGE, "page": page})
        found += [each["id"] for each in response.data if each["name"].startswith(OWN)]
        page = response.headers.get("opc-next-page")
        if page is None:
            break
    for identity in found:
        space.send("DELETE", REQUEST, bucket, identity)
        withdrawn += 1
    return withdrawn


def _create(space: Space, op: PresignGet | PresignPut, method: str, access: str) -> PresignedUrl:
    # Whole seconds; none is taken away.
    end = math.ceil((utc_now() + timedelta(seconds=op.expires_in)).timestamp())
    expires_at = datetime.fromtimestamp(end, UTC)
    name = to_name(op.key)
    made = space.send(
        "POST",
        REQUESTS,
        op.bucket,
        body={
            "name": f"{OWN}{secrets.token_hex(8)}",
            "objectName": name,
            "accessType": access,
            "timeExpires": expires_at.isoformat().replace("+00:00", "Z"),
        },
    ).data
    # Programs that take URLs may change a path of several segments.
    place = made["accessUri"].partition("/o/")[0]
    return PresignedUrl(
        url=f"{space.endpoint}{place}/o/{quote(name, safe='')}",
        method=method,
        expires_at=expires_at,
    )
