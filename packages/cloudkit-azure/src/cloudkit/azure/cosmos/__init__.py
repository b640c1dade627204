"""KeyValueStore on Cosmos DB for NoSQL."""

from cloudkit.azure.cosmos.store import CosmosKeyValueStore

__all__ = ["CosmosKeyValueStore"]
