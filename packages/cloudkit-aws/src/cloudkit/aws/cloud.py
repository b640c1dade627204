"""The AWS cloud: its services on one set of clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from cloudkit.aws.capabilities import without
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.config import AwsConfig, AwsOptions
from cloudkit.aws.dynamodb import DynamoKeyValueStore
from cloudkit.aws.errors import translate
from cloudkit.aws.lambda_ import LambdaFunctions
from cloudkit.aws.native import AwsNative
from cloudkit.aws.s3 import S3ObjectStorage
from cloudkit.aws.sns import SnsPubSub
from cloudkit.aws.sqs import SqsMessageQueue
from cloudkit.aws.sqs.queues import Queues
from cloudkit.common import Capabilities, CloudError
from cloudkit.core import BaseCloud, lazy_property
from cloudkit.spi import AnyOperation


class AwsCloud(BaseCloud[AwsConfig]):
    """S3, DynamoDB, SQS, SNS and Lambda.

    boto3 is imported, and a client made, by the first call that needs it, in a worker thread.
    A call that is cancelled returns at once; its request may still be carried out.

    Args:
        **options: Those of [AwsConfig][cloudkit.aws.AwsConfig], and the ones that every provider
            has. What is not set comes from boto3's own variables and files.

    Raises:
        ConfigurationError: An option is unknown or wrong.
    """

    provider: ClassVar[str] = "aws"
    config_type = AwsConfig

    def __init__(self, **options: Unpack[AwsOptions]) -> None:
        super().__init__(options)
        self._clients = AwsClients(self._context)
        self._queues = Queues()

    @lazy_property
    def capabilities(self) -> Capabilities:
        """Those of AWS, less what the option ``unsupported`` names."""
        return without(self.config.unsupported)

    @lazy_property
    def storage(self) -> S3ObjectStorage:
        """Objects in S3."""
        return S3ObjectStorage(self._runner, self.capabilities.storage, self._clients)

    @property
    def s3(self) -> S3ObjectStorage:
        """The same as ``storage``, by AWS's name for it."""
        return self.storage

    @lazy_property
    def kv(self) -> DynamoKeyValueStore:
        """Documents in DynamoDB."""
        return DynamoKeyValueStore(self._runner, self.capabilities.kv, self._clients)

    @lazy_property
    def queue(self) -> SqsMessageQueue:
        """Messages in queues of SQS."""
        return SqsMessageQueue(self._runner, self.capabilities.queue, self._clients, self._queues)

    @lazy_property
    def pubsub(self) -> SnsPubSub:
        """Topics of SNS, with subscriptions in SQS."""
        return SnsPubSub(self._runner, self.capabilities.pubsub, self._clients, self._queues)

    @lazy_property
    def functions(self) -> LambdaFunctions:
        """Functions of Lambda."""
        return LambdaFunctions(self._runner, self.capabilities.functions, self._clients)

    @lazy_property
    def native(self) -> AwsNative:
        """boto3's own clients."""
        return AwsNative(self._clients)

    def _credential_sources(self) -> Mapping[str, str]:
        from cloudkit.aws.sources import credential_sources

        return credential_sources(self.config)

    def _translate_error(self, error: Exception, operation: AnyOperation) -> CloudError | None:
        return translate(error)
