"""Cloud Storage and Cloud Functions at one address, with the same accounts."""

from emulators.google_cloud.server import google_cloud

__all__ = ["google_cloud"]
