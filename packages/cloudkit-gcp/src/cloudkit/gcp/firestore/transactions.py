"""Transactions: one commit for all writes.

What the writes ask for is judged here, and the commit asks that every document which is written is
still as it was judged: no lock is held meanwhile. A document that is only looked at cannot be asked
for in a commit, so a transaction with such a check is one of Firestore's, which locks what it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen
from cloudkit.api.kv import Check
from cloudkit.api.kv.operations import Transact
from cloudkit.common import CloudError
from cloudkit.core.writes import ATTEMPTS, contended, pause, with_facts, write_failure
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.errors import translate
from cloudkit.gcp.firestore.answers import is_refusal
from cloudkit.gcp.firestore.carrier import images
from cloudkit.gcp.firestore.items import Image
from cloudkit.gcp.firestore.writes import NOTHING, Request, Writer

if TYPE_CHECKING:
    from cloudkit.gcp.firestore.client import FirestoreClient


@frozen
class Transaction:
    """Carries a transaction out.

    Attributes:
        op: What is to be done.
        writers: Of its writes, in order.
    """

    op: Transact
    writers: Sequence[Writer]

    async def carry_out(self, clients: GcpClients) -> list[str | None]:
        """Do it; returns the new versions.

        Args:
            clients: Call the service.

        Raises:
            CloudError: An item does not allow its write, or others were in the way; nothing was
                changed.
        """
        refused: Exception | None = None
        for attempt in range(ATTEMPTS):
            await pause(attempt)
            outcome = await clients.run("firestore", self._attempt, refused)
            if isinstance(outcome, list):
                return outcome
            refused = outcome
        raise contended()

    def _attempt(
        self, client: FirestoreClient, refused: Exception | None
    ) -> list[str | None] | Exception:
        """One attempt; what the service said when it refused it."""
        try:
            if any(isinstance(writer.write, Check) for writer in self.writers):
                return self._locked(client)
            return self._unlocked(client, refused)
        except Exception as error:
            if not is_refusal(error):
                raise
            return error

    def _unlocked(self, client: FirestoreClient, refused: Exception | None) -> list[str | None]:
        """Write on the condition that nothing has changed since it was looked at."""
        requests = [self._first(client, index, refused) for index in range(len(self.writers))]
        open_ones = [index for index, request in enumerate(requests) if request is None]
        found = images(client, [self.writers[index] for index in open_ones]) if open_ones else []
        self._answer(client, requests, dict(zip(open_ones, found, strict=True)), refused)
        if any(request is NOTHING for request in requests):
            return self._locked(client)  # to be deleted is what is not there, and must stay so
        return self._commit(client, requests)

    def _first(
        self, client: FirestoreClient, index: int, refused: Exception | None
    ) -> Request | None:
        writer = self.writers[index]
        if refused is not None and writer.asks:
            return None
        try:
            return writer.first(client)
        except CloudError as error:
            raise write_failure(self.op, index, error) from error

    def _answer(
        self,
        client: FirestoreClient,
        requests: list[Request | None],
        found: dict[int, Image],
        refused: Exception | None,
    ) -> None:
        """Put the requests that what was found allows into their places."""
        for index, image in found.items():
            try:
                requests[index] = self.writers[index].under(client, image)
            except CloudError as error:
                known = None if refused is None else translate(refused)
                raise with_facts(write_failure(self.op, index, error), known) from error

    def _locked(self, client: FirestoreClient) -> list[str | None]:
        """Read all that is asked about, judge it and write, while nobody else can write to it."""
        asking = [index for index, writer in enumerate(self.writers) if writer.asks]
        names = [self.writers[index].name(client) for index in asking]
        transaction, documents = client.begin_and_read(names)
        try:
            found = {
                index: self.writers[index].codec.image(documents.get(name))
                for index, name in zip(asking, names, strict=True)
            }
            requests = [None if writer.asks else writer.first(client) for writer in self.writers]
            self._answer(client, requests, found, None)
        except CloudError:
            # Others wait for what was read. If this fails too, the locks end by themselves.
            with suppress(Exception):
                client.roll_back(transaction)
            raise
        return self._commit(client, requests, transaction)

    def _commit(
        self,
        client: FirestoreClient,
        requests: Sequence[Request | None],
        transaction: bytes = b"",
    ) -> list[str | None]:
        made = [request or NOTHING for request in requests]
        writes = [request.write for request in made if request.write is not None]
        times = iter(client.commit(writes, transaction))
        return [
            None if request.write is None else writer.written(request, next(times)).version
            for writer, request in zip(self.writers, made, strict=True)
        ]
