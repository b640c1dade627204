"""The requests in botocore's terms: the same ones that CloudKit makes."""

from __future__ import annotations

from typing import Any

from tools.bench.service import Service
from tools.bench.service.answers import ITEM, attribute
from tools.bench.service.shapes import ITEM_KEY, LISTED, PREFIX, RECEIVED, SMALL


class Parameters:
    """Parameters of each request.

    Args:
        service: The server.
    """

    def __init__(self, service: Service) -> None:
        key = service.key(SMALL)
        self.get: dict[str, Any] = {"Bucket": service.bucket, "Key": key}
        self.put: dict[str, Any] = {
            "Bucket": service.bucket,
            "Key": key,
            "Body": b"x" * SMALL,
            "ContentType": "application/octet-stream",
        }
        self.list: dict[str, Any] = {
            "Bucket": service.bucket,
            "Prefix": PREFIX,
            "MaxKeys": LISTED,
        }
        self.get_item: dict[str, Any] = {
            "TableName": service.table,
            "Key": {"id": {"S": ITEM_KEY}},
            "ConsistentRead": True,
        }
        self.put_item: dict[str, Any] = {
            "TableName": service.table,
            "Item": attribute(ITEM)["M"],
        }
        self.send: dict[str, Any] = {"QueueUrl": service.queue_url, "MessageBody": "x" * SMALL}
        self.receive: dict[str, Any] = {
            "QueueUrl": service.queue_url,
            "MaxNumberOfMessages": RECEIVED,
            "WaitTimeSeconds": 0,
            "VisibilityTimeout": 30,
            "MessageSystemAttributeNames": [
                "ApproximateReceiveCount",
                "SentTimestamp",
                "MessageGroupId",
                "MessageDeduplicationId",
            ],
            "MessageAttributeNames": ["All"],
        }
