"""A double of Azure Cosmos DB (SQL API) over real HTTP, written from its documentation."""

from emulators.cosmos.server import KEY, cosmos, fail_next

__all__ = ["KEY", "cosmos", "fail_next"]
