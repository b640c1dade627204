"""Deleting objects. The functions block; they run in worker threads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloudkit.api.storage.operations import DeleteObject, DeleteObjects
from cloudkit.aws.errors import code_of, from_answer, translate
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.common import CloudError, CloudResult

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

NOT_IN_XML = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that a document of XML 1.0 cannot hold, or would change."""


class Deleter:
    """Deletes objects.

    Args:
        settings: What the configuration adds to requests.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def delete(self, client: S3Client, op: DeleteObject) -> None:
        """Delete an object.

        S3 does not tell whether there was one, so where a missing one is an error it is looked for
        first. Two callers that delete the same object at the same time may then both succeed.
        """
        name: dict[str, Any] = {"Bucket": op.bucket, "Key": op.key}
        if not op.missing_ok:
            client.head_object(**name, **self._settings.customer, **self._settings.common)
        condition: dict[str, Any] = {} if op.if_match is None else {"IfMatch": op.if_match}
        try:
            client.delete_object(**name, **condition, **self._settings.common)
        except client.exceptions.ClientError as error:
            if not (op.missing_ok and code_of(error) == "NoSuchKey"):
                raise

    def delete_many(self, client: S3Client, op: DeleteObjects) -> Sequence[CloudResult[str]]:
        """Delete objects by one request, and those that it cannot name one by one."""
        if not op.keys:
            return []
        nameable = [key for key in dict.fromkeys(op.keys) if not NOT_IN_XML.search(key)]
        errors = self._delete_batch(client, op.bucket, nameable) if nameable else {}
        for key in set(op.keys).difference(nameable):
            error = self._delete_one(client, op.bucket, key)
            if error is not None:
                errors[key] = error
        return [
            CloudResult.failure(errors[key]) if key in errors else CloudResult.success(key)
            for key in op.keys
        ]

    def _delete_batch(
        self, client: S3Client, bucket: str, keys: Sequence[str]
    ) -> dict[str, CloudError]:
        response: Any = client.delete_objects(
            Bucket=bucket,
            Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
            **self._settings.common,
        )
        request_id = response["ResponseMetadata"].get("RequestId")
        return {
            error["Key"]: from_answer(
                None, error.get("Code"), error.get("Message"), request_id=request_id
            )
            for error in response.get("Errors", [])
            if error.get("Code") != "NoSuchKey"
        }

    def _delete_one(self, client: S3Client, bucket: str, key: str) -> CloudError | None:
        try:
            client.delete_object(Bucket=bucket, Key=key, **self._settings.common)
        except client.exceptions.ClientError as error:
            failure = translate(error)
            if failure is None:
                raise
            failure.__cause__ = error
            return failure
        return None
