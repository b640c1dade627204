"""The database that the services share: SQLite, one writer, many readers."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from cloudkit.common import ClientClosedError, ConfigurationError
from cloudkit.core import WorkerThreads
from cloudkit.local.connection import Connection, Durability, Schema, connect, migrate, retry_busy
from cloudkit.local.mailbox import Outcome, current_mailbox
from cloudkit.local.watch import Watch
from cloudkit.local.writer import Job, Writer

T = TypeVar("T")


class Database:
    """A database file, or one in memory, for tasks of any event loop and for threads.

    Several of them, in one process or in several, may use one file at the same time::

        database.register(Schema("notes", (("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)",),)))

        def add(connection: Connection) -> int:
            cursor = connection.execute("INSERT INTO note (text) VALUES (?)", (text,))
            connection.notify("notes")           # wakes the watches below, after the commit
            return cursor.lastrowid

        note_id = await database.write(add)
        rows = await database.read(lambda c: c.execute("SELECT * FROM note").fetchall())

        with database.watch("notes") as watch:   # watch first, then look, then wait
            while not (found := await database.read(look)):
                if not await watch.changed(timeout=5.0):
                    break

    Writes of tasks that run at the same time are committed together. Nothing is opened before the
    first use. A database must not be taken along into a fork: the child makes its own.

    Args:
        path: The file; None keeps everything in memory.
        threads: Where reads run.
        durability: Whether what is committed survives a killed process, or a power cut as well.
    """

    def __init__(
        self, path: Path | None, threads: WorkerThreads, durability: Durability = "process"
    ) -> None:
        self._path = path
        self._threads = threads
        self._durability: Durability = durability
        self._readers: list[Connection] = []
        self._schemas: list[Schema] = []
        self._ready = threading.Event()  # the file and all tables are there
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._process = os.getpid()
        writer = Writer(lambda: connect(path, durability), shared=path is not None)
        self._jobs = writer.jobs
        self._watches = writer.watches
        self._make_thread = _thread_maker(writer)
        # The thread of a database that is dropped without being closed must not stay for ever.
        weakref.finalize(self, _end, writer.jobs)

    @property
    def path(self) -> Path | None:
        """The file; None in memory."""
        return self._path

    def register(self, schema: Schema) -> None:
        """Have the tables of a service made, or brought up to date, before the next use."""
        with self._lock:
            if schema not in self._schemas:
                self._schemas.append(schema)
                self._ready.clear()

    async def write(self, func: Callable[[Connection], T]) -> T:
        """Run a function in a transaction that may write, and wait until it is committed.

        Cancelling returns at once; the change may still be made. The function runs in the writer's
        thread and must be quick. It may be run again after a commit that failed, so it must do
        nothing but use the connection; ``connection.notify(channel)`` announces a change.

        Args:
            func: Takes the connection. What it raises undoes what it did, and nothing else.

        Returns:
            What the function returned.

        Raises:
            ClientClosedError: The database has been closed.
            ConfigurationError: A newer CloudKit has made the tables, or the process has forked.
            sqlite3.Error: It cannot be written.
            Exception: Whatever the function raised.
        """
        if not self._ready.is_set():
            await self._get_ready(current_mailbox())
        result: T = await self._submit(func, Outcome(current_mailbox())).wait()
        return result

    def write_blocking(self, func: Callable[[Connection], T]) -> T:
        """The same as ``write`` for a thread that may block (never an event loop's)."""
        if not self._ready.is_set():
            self._note_ready(self._submit(self._prepare, Outcome(None)).wait_blocking())
        result: T = self._submit(func, Outcome(None)).wait_blocking()
        return result

    def write_soon(self, func: Callable[[Connection], object]) -> None:
        """The same as ``write`` for whoever cannot wait, such as a task that is cancelled.

        It is done after what was asked for before. Nobody hears of errors; once the database is
        closed, or as long as it was not used, nothing is done.
        """
        with self._lock:
            if self._ready.is_set() and not self._closed and self._process == os.getpid():
                self._jobs.put(Job(func, Outcome(None)))

    async def read(self, func: Callable[[Connection], T]) -> T:
        """Run a function that reads, in a worker thread, on one consistent snapshot.

        It sees every write that was acknowledged before. In memory it runs in the writer's thread.

        Args:
            func: Takes the connection. It may take its time, and use files.

        Raises:
            ClientClosedError: The database has been closed.
            sqlite3.Error: It cannot be read.
            Exception: Whatever the function raised.
        """
        if self._path is None:
            return await self.write(func)
        if not self._ready.is_set():
            await self._get_ready(current_mailbox())
        self._check()
        return await self._threads.run(self._read, func)

    def read_blocking(self, func: Callable[[Connection], T]) -> T:
        """The same as ``read`` for a thread that may block."""
        if self._path is None:
            return self.write_blocking(func)
        if not self._ready.is_set():
            self._note_ready(self._submit(self._prepare, Outcome(None)).wait_blocking())
        self._check()
        return self._read(func)

    def sync_blocking(self) -> None:
        """Have all that is committed survive a power cut too, whatever the durability; blocks.

        Raises:
            OSError: The disk failed.
        """
        if self._path is None or self._durability == "power":
            return
        # What is not in this file any more was brought to the disk when SQLite moved it.
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(f"{self._path}-wal", os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def watch(self, channel: str) -> Watch:
        """Watch for commits that called ``connection.notify(channel)``; a context manager.

        Commits of other databases on the same file, in this process or another, wake all watches
        within about 0.05 seconds.
        """
        return Watch(self._watches, channel)

    async def aclose(self) -> None:
        """Write what was asked for before, and close the file. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            last = Job(lambda connection: None, Outcome(current_mailbox()))
            if self._thread is not None:
                self._jobs.put(last)
            self._jobs.put(None)
        self._watches.notify_all()  # who waits for changes finds out that there will be none
        if self._thread is not None and self._process == os.getpid():
            await self._threads.run(self._thread.join)
        for connection in self._readers:
            connection.close()
        self._readers.clear()

    async def _get_ready(self, mailbox: Any) -> None:
        self._note_ready(await self._submit(self._prepare, Outcome(mailbox)).wait())

    def _prepare(self, connection: Connection) -> int:
        with self._lock:
            schemas = tuple(self._schemas)
        migrate(connection, schemas)
        return len(schemas)

    def _note_ready(self, schemas: int) -> None:
        # Not before the commit: until then, readers see no tables.
        with self._lock:
            if len(self._schemas) == schemas:
                self._ready.set()

    def _submit(self, func: Callable[[Connection], Any], outcome: Outcome) -> Outcome:
        with self._lock:
            self._check()
            self._jobs.put(Job(func, outcome))
            if self._thread is None:
                self._thread = self._make_thread()
        return outcome

    def _check(self) -> None:
        if self._closed:
            raise ClientClosedError("the client has been closed", hint="Make a new one.")
        if self._process != os.getpid():
            raise ConfigurationError(
                "the process has forked since the client was made",
                hint="Make a client in each process.",
            )

    def _read(self, func: Callable[[Connection], T]) -> T:
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = connect(self._path, self._durability)
        try:
            retry_busy(lambda: connection.execute("BEGIN"))
            try:
                return func(connection)
            finally:
                connection.execute("COMMIT")
        finally:
            if self._closed:
                connection.close()
            else:
                self._readers.append(connection)


def _thread_maker(writer: Writer) -> Callable[[], threading.Thread]:
    def make() -> threading.Thread:
        thread = threading.Thread(target=writer.run, name="cloudkit-local-writer", daemon=True)
        thread.start()
        return thread

    return make


def _end(jobs: SimpleQueue[Any]) -> None:
    jobs.put(None)
