"""The one thread that writes to a database, many tasks' changes in one transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

from attrs import frozen
from cloudkit.local.connection import BUSY_SECONDS, Connection, retry_busy
from cloudkit.local.mailbox import Outcome
from cloudkit.local.watch import Watches

MAX_BATCH = 256
POLL_SECONDS = 0.05
"""How often to look for changes of other processes while somebody waits for changes."""

TRIM_EVERY = 256
"""Batches between two looks at how long the log has grown."""

LONG_LOG = 4096
"""Pages of the log that are too many: 16 MiB."""

_TRIM_WAIT = 0.2


@frozen(eq=False)
class Job:
    """Something to do with the connection.

    Attributes:
        func: Takes the connection.
        outcome: Where the result goes.
    """

    func: Callable[[Connection], Any]
    outcome: Outcome


@frozen
class Nudge:
    """Makes the writer look round: somebody began to wait for changes."""


NUDGE = Nudge()


class Writer:
    """What the thread does. It ends at the first None in the queue.

    Jobs that have queued up share a transaction, each in a savepoint of its own: one that raises
    undoes only itself. When the transaction as a whole fails, the jobs are done again one by one.

    Args:
        connect: Opens the connection; called in the thread, again after it has failed.
        shared: Whether others may change the database, which must be looked for then.

    Attributes:
        watches: Whom to tell about changes.
    """

    def __init__(self, connect: Callable[[], Connection], *, shared: bool) -> None:
        self.jobs: SimpleQueue[Job | Nudge | None] = SimpleQueue()
        self.watches = Watches(lambda: self.jobs.put(NUDGE))  # the writer may sleep without limit
        self._connect = connect
        self._shared = shared
        self._connection: Connection | None = None
        self._data_version = -1
        self._polled_at = 0.0
        self._batches = 0

    def run(self) -> None:
        """Work until told to end."""
        going_on = True
        while going_on:
            batch, going_on = self._next_batch()
            if batch:
                self._carry_out(batch)
                self._batches += 1
                if self._shared and self._batches % TRIM_EVERY == 0:
                    self._trim()
            batch.clear()  # nothing is kept alive while there is nothing to do
            if self._polling:
                self._look_for_others()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _polling(self) -> bool:
        return self._shared and bool(self.watches)

    def _next_batch(self) -> tuple[list[Job], bool]:
        batch: list[Job] = []
        try:
            job = self.jobs.get(timeout=POLL_SECONDS if self._polling else None)
            while job is not None:
                if isinstance(job, Job) and not job.outcome.abandoned:
                    batch.append(job)
                    if len(batch) >= MAX_BATCH:
                        return batch, True
                job = self.jobs.get_nowait()
        except Empty:
            return batch, True
        return batch, False

    def _carry_out(self, batch: list[Job]) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
        except Exception as error:  # noqa: BLE001  (it is raised where the job came from)
            for job in batch:
                job.outcome.fail(error)
            return
        self._transact(self._connection, batch)

    def _transact(self, connection: Connection, jobs: list[Job]) -> None:
        connection.channels.clear()
        try:
            retry_busy(lambda: connection.execute("BEGIN IMMEDIATE"))
        except Exception as error:  # noqa: BLE001  (it is raised where the job came from)
            # None of the jobs is to blame: one by one, each would wait as long for a busy neighbour.
            for job in jobs:
                job.outcome.fail(error)
            return
        try:
            done = [(job.outcome, *_attempt(connection, job)) for job in jobs]
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  (it is raised where the job came from)
            self._undo(connection)
            if len(jobs) == 1:
                jobs[0].outcome.fail(error)
                return
            for job in jobs:
                self._carry_out([job])
            return
        if connection.channels:
            self.watches.notify(connection.channels)
        _hand_back(done)

    def _undo(self, connection: Connection) -> None:
        """End a transaction that failed. A connection that cannot even do that is opened anew."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:  # of a disk that fails: what is not committed is undone by closing
            self._connection = None
            connection.close()

    def _trim(self) -> None:
        """Begin the log anew when it is long.

        SQLite does so by itself, but only in a moment when nobody reads. Where reads follow each
        other without a gap there is none, so those that run now are waited for; new ones need no log.
        """
        connection = self._connection
        if connection is None:
            return
        try:
            _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages > LONG_LOG:
                connection.execute(f"PRAGMA busy_timeout = {int(_TRIM_WAIT * 1000)}")
                connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
                connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        except sqlite3.Error:
            self._connection = None  # whoever writes next opens it anew, and hears what is wrong
            connection.close()

    def _look_for_others(self) -> None:
        now = time.monotonic()
        if self._connection is None or now - self._polled_at < POLL_SECONDS / 2:
            return
        self._polled_at = now
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            version = -1  # those who wait run into the error themselves
        if version != self._data_version:
            self._data_version = version
            self.watches.notify_all()


def _attempt(connection: Connection, job: Job) -> tuple[Any, Exception | None]:
    channels = len(connection.channels)
    connection.execute("SAVEPOINT job")
    try:
        result = job.func(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite has given up the whole transaction
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        del connection.channels[channels:]
        return None, error
    connection.execute("RELEASE job")
    return result, None


def _hand_back(done: Iterable[tuple[Outcome, Any, Exception | None]]) -> None:
    for outcome, result, error in done:
        if error is None:
            outcome.succeed(result)
        else:
            outcome.fail(error)
