"""KeyValueStore on Firestore."""

from cloudkit.gcp.firestore.store import FirestoreKeyValueStore

__all__ = ["FirestoreKeyValueStore"]
