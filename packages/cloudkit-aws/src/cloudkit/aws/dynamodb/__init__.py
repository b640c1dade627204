"""KeyValueStore on DynamoDB."""

from cloudkit.aws.dynamodb.store import DynamoKeyValueStore

__all__ = ["DynamoKeyValueStore"]
