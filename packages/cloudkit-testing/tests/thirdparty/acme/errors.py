"""Native errors as CloudErrors: the only place that knows Acme's codes."""

from __future__ import annotations

from cloudkit.common import (
    AlreadyExistsError,
    CloudError,
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    ProviderError,
)

from acme.service import AcmeError

_KINDS: dict[str, type[CloudError]] = {
    "NoSuchBucket": NotFoundError,
    "NoSuchObject": NotFoundError,
    "NoSuchUpload": NotFoundError,
    "BucketExists": AlreadyExistsError,
    "BucketNotEmpty": ConflictError,
    "ConditionNotMet": PreconditionFailedError,
}


def translate(error: Exception) -> CloudError | None:
    """None for what is not the service's doing: it passes unchanged."""
    if not isinstance(error, AcmeError):
        return None
    kind = _KINDS.get(error.code, ProviderError)
    return kind(str(error), code=error.code, request_id=error.request_id)
