"""The account: its databases, containers and throughput."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from typing import Any

from emulators.cosmos.containers import (
    MAX_NAME,
    Container,
    Database,
    check_name,
    definition_of,
    encode_rid,
    new_etag,
)
from emulators.cosmos.errors import invalid, missing, no_owner, taken

MIN_THROUGHPUT = 400


class Account:
    """Databases, containers and offers. Not to be used by two threads at once.

    Attributes:
        databases: By id.
        offers: What throughput was given to, by resource id of the offer.
    """

    def __init__(self) -> None:
        self.databases: dict[str, Database] = {}
        self.offers: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def description(self, url: str) -> dict[str, Any]:
        """What clients ask for first.

        Args:
            url: Where the account is: the only location.
        """
        location = {"name": "Local", "databaseAccountEndpoint": f"{url}/"}
        return {
            "_self": "",
            "id": "double",
            "_rid": "double",
            "media": "//media/",
            "addresses": "//addresses/",
            "_dbs": "//dbs/",
            "writableLocations": [location],
            "readableLocations": [location],
            "enableMultipleWriteLocations": False,
            "userReplicationPolicy": {"asyncReplication": False, "maxReplicasetSize": 4},
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
            "systemReplicationPolicy": {"maxReplicasetSize": 4},
            "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
            "queryEngineConfiguration": "{}",
        }

    def database(self, name: str) -> Database:
        """A database that is there.

        Raises:
            CosmosError: It is not (404).
        """
        if name not in self.databases:
            raise missing()
        return self.databases[name]

    def container(self, database: str, name: str) -> Container:
        """A container that is there.

        Raises:
            CosmosError: It is not (404), or its database is not (404, owner).
        """
        if database not in self.databases:
            raise no_owner()
        containers = self.databases[database].containers
        if name not in containers:
            raise missing()
        return containers[name]

    def create_database(self, body: Any, throughput: str | None) -> Database:
        name = check_name(body.get("id"), MAX_NAME)
        if name in self.databases:
            raise taken()
        rid = self._rid(b"")
        link = f"dbs/{encode_rid(rid)}/"
        added = _system(rid, link)
        properties = {"id": name, **added, "_colls": "colls/", "_users": "users/"}
        database = Database(properties, rid)
        self._offer(properties, throughput)
        self.databases[name] = database
        return database

    def create_container(self, database: str, body: Any, throughput: str | None) -> Container:
        if database not in self.databases:
            raise no_owner()
        owner = self.databases[database]
        definition = definition_of(body)
        if definition["id"] in owner.containers:
            raise taken()
        rid = self._rid(owner.rid)
        link = f"{owner.properties['_self']}colls/{encode_rid(rid)}/"
        properties = {**definition, **_system(rid, link), "_docs": "docs/", "_sprocs": "sprocs/"}
        container = Container(properties, rid)
        self._offer(properties, throughput or str(MIN_THROUGHPUT))
        owner.containers[definition["id"]] = container
        return container

    def replace_container(self, container: Container, body: Any) -> Container:
        old = container.properties
        definition = definition_of(body)
        if any(definition[name] != old[name] for name in ("id", "partitionKey")):
            raise invalid("The id and the partition key of a container cannot be replaced.")
        kept = {name: old[name] for name in old if name not in {"defaultTtl", *definition}}
        written = {"_etag": new_etag(), "_ts": int(time.time())}
        container.properties = {**definition, **kept, **written}
        return container

    def delete_database(self, name: str) -> None:
        for container in list(self.database(name).containers):
            self.delete_container(name, container)
        self._drop_offer(self.databases.pop(name).properties)

    def delete_container(self, database: str, name: str) -> None:
        self.container(database, name)
        self._drop_offer(self.databases[database].containers.pop(name).properties)

    def replace_offer(self, rid: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if rid not in self.offers:
            raise missing()
        content = dict(body.get("content") or {})
        _check_throughput(content.get("offerThroughput"))
        written = {"_etag": new_etag(), "_ts": int(time.time())}
        self.offers[rid] = {**self.offers[rid], "content": content, **written}
        return self.offers[rid]

    def _offer(self, owner: Mapping[str, Any], throughput: str | None) -> None:
        if throughput is None:
            return
        amount = int(throughput) if throughput.isdecimal() else None
        _check_throughput(amount)
        rid = encode_rid(self._rid(b"")[1:])
        self.offers[rid] = {
            "id": rid,
            "offerVersion": "V2",
            "offerType": "Invalid",
            "content": {"offerThroughput": amount},
            "resource": owner["_self"],
            "offerResourceId": owner["_rid"],
            **_system(b"", f"offers/{rid}/"),
            "_rid": rid,
        }

    def _drop_offer(self, owner: Mapping[str, Any]) -> None:
        self.offers = {
            rid: offer for rid, offer in self.offers.items() if offer["resource"] != owner["_self"]
        }

    def _rid(self, parent: bytes) -> bytes:
        # That of a container is marked by its highest bit, as in the service.
        own = next(self._numbers) | (0x80000000 if parent else 0)
        return parent + own.to_bytes(4, "big")


def _system(rid: bytes, link: str) -> dict[str, Any]:
    return {
        "_rid": encode_rid(rid),
        "_self": link,
        "_etag": new_etag(),
        "_ts": int(time.time()),
    }


def _check_throughput(amount: Any) -> None:
    if not isinstance(amount, int) or amount < MIN_THROUGHPUT or amount % 100:
        raise invalid(f"The offer should have valid throughput values, not {amount!r}.")
