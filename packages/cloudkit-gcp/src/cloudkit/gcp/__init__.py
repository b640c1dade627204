"""Google Cloud: Cloud Storage, Firestore, Pub/Sub, Cloud Tasks and Cloud Functions."""

from cloudkit.gcp.capabilities import GCP_CAPABILITIES
from cloudkit.gcp.cloud import GcpCloud
from cloudkit.gcp.config import GcpConfig, GcpOptions
from cloudkit.gcp.native import GcpNative

__all__ = ["GCP_CAPABILITIES", "GcpCloud", "GcpConfig", "GcpNative", "GcpOptions"]
