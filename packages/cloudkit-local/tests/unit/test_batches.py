"""Batches of one text, which Python would take for a list of its letters."""

from __future__ import annotations

import pytest
from cloudkit.common import ValidationError
from cloudkit.local import LocalCloud

pytestmark = pytest.mark.anyio


async def test_deleting_takes_a_list_of_keys():
    async with LocalCloud() as cloud:
        await cloud.storage.create_bucket("photos")
        await cloud.storage.put_object("photos", "a", b"1")
        await cloud.storage.put_object("photos", "b/a", b"2")
        for bucket in (cloud.storage.bucket("photos"), cloud.storage.bucket("photos").prefix("b/")):
            with pytest.raises(ValidationError, match="keys must be a list, not one str"):
                await bucket.delete_objects("a")
        with pytest.raises(ValidationError, match="keys must be a list, not one str"):
            await cloud.storage.delete_objects("photos", "a")
        assert [entry.key async for entry in cloud.storage.list_objects("photos")] == ["a", "b/a"]


@pytest.mark.parametrize("messages", ["hello", b"hello", bytearray(b"hello"), None])
async def test_sending_takes_a_list_of_messages(messages):
    async with LocalCloud() as cloud:
        await cloud.queue.create_queue("jobs")
        await cloud.pubsub.create_topic("news")
        with pytest.raises(ValidationError, match="messages must be a list, not one"):
            await cloud.queue.send_batch("jobs", messages)
        with pytest.raises(ValidationError, match="messages must be a list, not one"):
            await cloud.pubsub.publish_batch("news", messages)
        assert await cloud.queue.get_queue_depth("jobs") == 0
