"""Google's client of Firestore, by the few calls that the store makes.

This module imports the SDK: it is imported by the first call, not with the package. It uses the
SDK's generated layer, whose messages keep every value as it is, and never lets it retry.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import grpc  # type: ignore[import-untyped]
from cloudkit.common import PayloadTooLargeError, ProviderError
from cloudkit.core.urls import is_plain
from cloudkit.gcp.firestore.answers import WriteOutcome
from cloudkit.gcp.transport import ClientSettings, make_channel
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient as Generated
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

MAX_REQUEST_BYTES: Final = 10 * 1024 * 1024
"""The largest request: https://cloud.google.com/firestore/quotas#writes_and_transactions"""

_OK = 0
_CODES: Mapping[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}

Document = Any
"""A document as the service gave it: with ``name``, ``fields`` and ``update_time``."""

Write = Mapping[str, Any]
"""A write in the form of the service: ``{"update": {...}, "current_document": {...}}``."""


class FirestoreClient:
    """Calls Firestore; blocks.

    Args:
        settings: What it is made of.

    Raises:
        ConfigurationError: Nobody names the project.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self.database = (
            f"projects/{settings.named_project}/databases/{settings.config.firestore_database}"
        )
        self._api = Generated(transport=FirestoreGrpcTransport(channel=make_channel(settings)))
        metadata = [("google-cloud-resource-prefix", self.database)]
        if is_plain(settings.url):
            metadata.append(("authorization", "Bearer owner"))  # by which emulators know servers
        self._arguments: dict[str, Any] = {
            "retry": None,  # one retry loop: the executor's
            "timeout": settings.config.timeout,
            "metadata": metadata,
        }

    @cached_property
    def service(self) -> firestore.Client:
        """The SDK's own client, on the same connection."""
        settings = self._settings
        client = firestore.Client(
            settings.project, settings.credentials, settings.config.firestore_database
        )
        # It takes no channel, and would make one of its own, encrypted, to the default endpoint.
        client._firestore_api_internal = self._api
        if client._firestore_api is not self._api:
            raise ProviderError(
                "the SDK keeps its connection elsewhere than CloudKit knows",
                hint="Use a release of google-cloud-firestore that CloudKit was tested with.",
            )
        return client

    @property
    def root(self) -> str:
        """The parent of the collections."""
        return f"{self.database}/documents"

    def name(self, collection: str, document_id: str) -> str:
        """The name of a document."""
        return f"{self.root}/{collection}/{document_id}"

    def get(self, name: str) -> Document:
        """A document that must be there.

        Raises:
            google.api_core.exceptions.NotFound: It is not.
        """
        request = types.GetDocumentRequest.wrap(_GetDocument(name=name))
        return types.Document.pb(self._api.get_document(request=request, **self._arguments))

    def read(self, names: Sequence[str]) -> dict[str, Document]:
        """The documents that are there, by name, all as of one moment."""
        return self._read(_BatchGet(database=self.database, documents=names))[1]

    def begin_and_read(self, names: Sequence[str]) -> tuple[bytes, dict[str, Document]]:
        """Begin a transaction, and read documents in it.

        Returns:
            The transaction, and the documents that are there, by name.
        """
        begin: dict[str, Any] = {"read_write": {}}
        return self._read(_BatchGet(database=self.database, documents=names, new_transaction=begin))

    def query(self, collection: str, **query: Any) -> Generator[Document, None, None]:
        """The documents that a query finds, as they come; what is not taken is not sent.

        Args:
            collection: Where.
            **query: Fields of the message StructuredQuery.
        """
        structured = {"from_": [{"collection_id": collection}], **query}
        request = types.RunQueryRequest.wrap(
            _RunQuery(parent=self.root, structured_query=structured)
        )
        answers = self._api.run_query(request=request, **self._arguments)
        try:
            for answer in answers:
                raw = types.RunQueryResponse.pb(answer)
                if raw.HasField("document"):
                    yield raw.document
        finally:
            answers.cancel()  # type: ignore[attr-defined]  # of gRPC; after the end, nothing

    def commit(self, writes: Sequence[Write], transaction: bytes = b"") -> list[Any]:
        """Carry out writes, all or none.

        Returns:
            The update time of each document.

        Raises:
            PayloadTooLargeError: They are too large together.
        """
        message = _Commit(database=self.database, writes=writes, transaction=transaction)
        size = message.ByteSize()
        if size > MAX_REQUEST_BYTES:
            raise PayloadTooLargeError(
                f"the writes have {size:,} bytes together; Firestore takes {MAX_REQUEST_BYTES:,}"
            )
        request = types.CommitRequest.wrap(message)
        answer = types.CommitResponse.pb(self._api.commit(request=request, **self._arguments))
        return [result.update_time for result in answer.write_results]

    def roll_back(self, transaction: bytes) -> None:
        """Give up a transaction, so that others need not wait for it."""
        message = _Rollback(database=self.database, transaction=transaction)
        self._api.rollback(request=types.RollbackRequest.wrap(message), **self._arguments)

    def write_each(self, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Carry out writes, each by itself."""
        request = types.BatchWriteRequest.wrap(_BatchWrite(database=self.database, writes=writes))
        answer = types.BatchWriteResponse.pb(
            self._api.batch_write(request=request, **self._arguments)
        )
        return [
            WriteOutcome(result.update_time)
            if status.code == _OK
            else WriteOutcome(None, _CODES.get(status.code, "UNKNOWN"), status.message)
            for result, status in zip(answer.write_results, answer.status, strict=True)
        ]

    def close(self) -> None:
        """Close the connection."""
        self._api.transport.close()  # type: ignore[no-untyped-call]

    def _read(self, message: Any) -> tuple[bytes, dict[str, Document]]:
        request = types.BatchGetDocumentsRequest.wrap(message)
        transaction = b""
        found: dict[str, Document] = {}
        for answer in self._api.batch_get_documents(request=request, **self._arguments):
            raw = types.BatchGetDocumentsResponse.pb(answer)
            transaction = transaction or raw.transaction
            if raw.HasField("found"):
                found[raw.found.name] = raw.found
        return transaction, found


# The messages themselves: the SDK's wrappers of them take several times as long.
_GetDocument: Any = types.GetDocumentRequest.pb()
_BatchGet: Any = types.BatchGetDocumentsRequest.pb()
_RunQuery: Any = types.RunQueryRequest.pb()
_Commit: Any = types.CommitRequest.pb()
_Rollback: Any = types.RollbackRequest.pb()
_BatchWrite: Any = types.BatchWriteRequest.pb()


def make_client(settings: ClientSettings) -> FirestoreClient:
    """The client of Firestore, for clients.FACTORIES."""
    return FirestoreClient(settings)
