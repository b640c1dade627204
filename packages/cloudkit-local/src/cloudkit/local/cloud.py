"""The local cloud: its services on one folder, or in memory."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from os import PathLike
from typing import Any, ClassVar, Unpack

from attrs import frozen
from cloudkit.common import Capabilities, CloudError, ConfigurationError
from cloudkit.core import BaseCloud, WorkerThreads, lazy_property
from cloudkit.local.blobs import Blobs
from cloudkit.local.capabilities import LOCAL_CAPABILITIES
from cloudkit.local.config import LocalConfig, LocalOptions
from cloudkit.local.database import Database
from cloudkit.local.errors import translate
from cloudkit.local.fileblobs import FileBlobs
from cloudkit.local.folder import Folder
from cloudkit.local.functions import LocalFunctions
from cloudkit.local.kv import LocalKeyValueStore
from cloudkit.local.memoryblobs import MemoryBlobs
from cloudkit.local.pubsub import LocalPubSub
from cloudkit.local.push import Pusher
from cloudkit.local.queue import LocalMessageQueue
from cloudkit.local.storage import LocalObjectStorage
from cloudkit.spi import AnyOperation


@frozen
class LocalNative:
    """What the services stand on.

    Attributes:
        folder: The folder; None in memory.
        data: Database of tables, queues and topics.
        index: Database of the objects.
    """

    folder: Folder | None
    data: Database
    index: Database


class LocalCloud(BaseCloud[LocalConfig]):
    """The embedded provider: objects as files, everything else in SQLite, or all of it in memory.

    Several clouds, in one process or in several, may use one folder at the same time. A cloud must
    not be taken along into a fork: each process makes its own.

    Args:
        **options: Those of [LocalConfig][cloudkit.local.LocalConfig], and the ones that every
            provider has. The folder is made, with its parents, when it is missing.

    Raises:
        ConfigurationError: An option is wrong, or the folder cannot be used.
    """

    provider: ClassVar[str] = "local"
    config_type = LocalConfig

    def __init__(self, **options: Unpack[LocalOptions]) -> None:
        super().__init__(options)
        path = self.config.path
        self._folder = None if path is None else Folder.open(path)
        self._data = self._database(None if self._folder is None else self._folder.data)
        self._index = self._database(None if self._folder is None else self._folder.index)

    @lazy_property
    def storage(self) -> LocalObjectStorage:
        """Objects in buckets."""
        return LocalObjectStorage(
            self._runner, self._context, self._index, self._make_blobs, self._make_secret
        )

    @property
    def capabilities(self) -> Capabilities:
        """Everything, within the limits of the clouds."""
        return LOCAL_CAPABILITIES

    @lazy_property
    def kv(self) -> LocalKeyValueStore:
        """Documents in SQLite."""
        return LocalKeyValueStore(self._runner, self.capabilities.kv, self._data)

    @lazy_property
    def queue(self) -> LocalMessageQueue:
        """Queues in SQLite."""
        return LocalMessageQueue(self._runner, self.capabilities.queue, self._data)

    @lazy_property
    def pubsub(self) -> LocalPubSub:
        """Topics in SQLite."""
        pusher = Pusher(self._data, self._translate)
        self._context.on_close(pusher.aclose)
        return LocalPubSub(self._runner, self.capabilities.pubsub, self._data, pusher)

    @lazy_property
    def functions(self) -> LocalFunctions:
        """Python callables."""
        functions = LocalFunctions(
            self._runner,
            self.capabilities.functions,
            self._data,
            WorkerThreads(self.config.max_concurrency),
            self.config.functions,
            self._translate,
        )
        self._context.on_close(functions.aclose)
        return functions

    @lazy_property
    def native(self) -> LocalNative:
        """The folder and the databases."""
        return LocalNative(self._folder, self._data, self._index)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The options that a URL stands for; one without a folder means memory, whatever ``CLOUD_PATH`` says.

        Args:
            url: For example ``"local:///srv/demo"``.

        Raises:
            ConfigurationError: The URL is malformed.
        """
        return {"path": None, **super().options_from_url(url)}

    @classmethod
    async def rebuild(cls, path: str | PathLike[str]) -> int:
        """Make the index of a folder's objects anew, from the files beside the objects.

        For when ``objects.sqlite3`` is damaged; it is kept under another name. (When it is missing,
        this happens by itself.) Unfinished uploads in parts are lost.

        Args:
            path: The folder. Nobody may use it meanwhile.

        Returns:
            How many objects there are.

        Raises:
            ConfigurationError: The folder cannot be used, or a living process uses it.
            OSError: A file cannot be read or moved.
        """
        cloud = cls(path=path)
        async with cloud:
            if cloud._folder is not None:
                await cloud._context.run_sync(cloud._folder.set_index_aside)
            return await cloud.storage.rebuild()

    def _database(self, path: Any) -> Database:
        database = Database(path, self._context.threads, self.config.durability)
        self._context.on_close(database.aclose)
        return database

    def _make_blobs(self) -> Blobs:
        if self._folder is None:
            return MemoryBlobs()
        return FileBlobs(self._folder.root, self.config.durability)

    def _make_secret(self) -> bytes:
        return secrets.token_bytes(32) if self._folder is None else self._folder.secret()

    def _credential_sources(self) -> Mapping[str, str]:
        return {"": "none are needed"}

    def _translate_error(self, error: Exception, operation: AnyOperation) -> CloudError | None:
        return self._translate(error, operation.service)

    def _translate(self, error: Exception, contract: str = "queue") -> CloudError | None:
        return translate(error, self.config.path, contract)

    @classmethod
    def _options_from_place(cls, host: str, path: str) -> dict[str, Any]:
        if host in {".", "..", "~"}:
            return {"path": host + path}
        if host:
            raise ConfigurationError(
                f"a local URL has no host, but this one has {host!r}",
                hint=f"Write local:///{host}{path} for an absolute path, local://./{host}{path} for a "
                "relative one, or local:// to keep everything in memory.",
            )
        return {"path": path} if path else {}
