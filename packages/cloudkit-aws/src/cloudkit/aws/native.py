"""boto3's own clients, for what the contracts do not cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudkit.aws.clients import AwsClients
from cloudkit.core import BaseNative

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_lambda.client import LambdaClient
    from types_boto3_s3.client import S3Client
    from types_boto3_sns.client import SNSClient
    from types_boto3_sqs.client import SQSClient
    from types_boto3_sts.client import STSClient


class AwsNative(BaseNative[AwsClients]):
    """The boto3 clients that the contracts use, with their configuration and connections.

    They block, so call them in a thread. The first use of one makes it, which takes up to a second.
    They do not retry. With ``auth=``, ``await cloud.native.prepare()`` sees to fresh credentials.
    """

    @property
    def s3(self) -> S3Client:
        """Client of S3."""
        client: S3Client = self._clients.client("s3")
        return client

    @property
    def dynamodb(self) -> DynamoDBClient:
        """Client of DynamoDB."""
        client: DynamoDBClient = self._clients.client("dynamodb")
        return client

    @property
    def sqs(self) -> SQSClient:
        """Client of SQS."""
        client: SQSClient = self._clients.client("sqs")
        return client

    @property
    def sns(self) -> SNSClient:
        """Client of SNS."""
        client: SNSClient = self._clients.client("sns")
        return client

    @property
    def lambda_(self) -> LambdaClient:
        """Client of Lambda."""
        client: LambdaClient = self._clients.client("lambda")
        return client

    @property
    def sts(self) -> STSClient:
        """Client of STS."""
        client: STSClient = self._clients.client("sts")
        return client
