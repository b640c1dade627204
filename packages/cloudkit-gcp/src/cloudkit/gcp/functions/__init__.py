"""Functions on Cloud Functions."""

from cloudkit.gcp.functions.functions import CloudFunctions

__all__ = ["CloudFunctions"]
