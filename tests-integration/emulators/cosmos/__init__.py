"""A double of Azure Cosmos DB (SQL API) over real HTTP, written from its documentation."""

from emulators.cosmos.server import KEY, TOKEN, cosmos, fail_next

__all__ = ["KEY", "TOKEN", "cosmos", "fail_next"]
