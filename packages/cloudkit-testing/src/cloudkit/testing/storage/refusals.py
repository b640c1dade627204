"""How to ask ObjectStorage for what each of its capabilities stands for."""

from __future__ import annotations

from collections.abc import Mapping

from cloudkit.api.storage import ObjectStorage
from cloudkit.testing.suite import Refusal

_BUCKET = "ck-never-sent"


async def _put_on_condition(storage: ObjectStorage) -> None:
    await storage.put_object(_BUCKET, "key", b"data", if_none_match="*")


async def _put_parts_on_condition(storage: ObjectStorage) -> None:
    size = storage.capabilities.min_part_size
    await storage.put_object(_BUCKET, "key", bytes(size + 1), part_size=size, if_none_match="*")


async def _copy_on_condition(storage: ObjectStorage) -> None:
    await storage.copy_object(_BUCKET, "source", _BUCKET, "key", if_none_match="*")


async def _delete_on_condition(storage: ObjectStorage) -> None:
    await storage.delete_object(_BUCKET, "key", if_match="etag")


async def _put_in_storage_class(storage: ObjectStorage) -> None:
    await storage.put_object(_BUCKET, "key", b"data", storage_class="COLD")


async def _list_uploads(storage: ObjectStorage) -> None:
    await storage.list_uploads(_BUCKET).to_list()


async def _presign_get(storage: ObjectStorage) -> None:
    await storage.presigned_get_url(_BUCKET, "key")


async def _presign_put(storage: ObjectStorage) -> None:
    await storage.presigned_put_url(_BUCKET, "key")


async def _presign_put_of_a_type(storage: ObjectStorage) -> None:
    await storage.presigned_put_url(_BUCKET, "key", content_type="text/plain")


async def _put_with_wide_metadata(storage: ObjectStorage) -> None:
    await storage.put_object(_BUCKET, "key", b"data", metadata={"name": "Zoë"})


REFUSALS: Mapping[str, Refusal] = {
    "conditional_put": _put_on_condition,
    "conditional_multipart": _put_parts_on_condition,
    "conditional_copy": _copy_on_condition,
    "conditional_delete": _delete_on_condition,
    "storage_class": _put_in_storage_class,
    "list_uploads": _list_uploads,
    "presigned_get": _presign_get,
    "presigned_put": _presign_put,
    "presigned_content_type": _presign_put_of_a_type,
    "non_ascii_metadata": _put_with_wide_metadata,
}
"""Capability flag → a call that needs it."""
