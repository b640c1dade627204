"""AWS: S3, DynamoDB, SQS, SNS and Lambda."""

from cloudkit.aws.capabilities import AWS_CAPABILITIES
from cloudkit.aws.cloud import AwsCloud
from cloudkit.aws.config import AwsConfig, AwsOptions
from cloudkit.aws.native import AwsNative

__all__ = ["AWS_CAPABILITIES", "AwsCloud", "AwsConfig", "AwsNative", "AwsOptions"]
