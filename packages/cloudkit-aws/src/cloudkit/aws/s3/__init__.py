"""ObjectStorage on S3, and on stores that speak its protocol."""

from cloudkit.aws.s3.storage import S3ObjectStorage

__all__ = ["S3ObjectStorage"]
