"""Resumable uploads: a session takes the content in pieces, and knows how much it has."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote

from emulators.cloud_storage.errors import StorageError, invalid
from emulators.cloud_storage.objects import resource_of, shown
from emulators.cloud_storage.store import Store, StoredObject
from emulators.cloud_storage.uploads import Plan, plan_of, told_digests
from emulators.web import Request, Response

GRANULE = 256 * 1024
"""Pieces but the last are multiples of this; of an interrupted piece, so many bytes are kept."""

_CONTENT_RANGE = re.compile(r"bytes\s+(?:(\d+)-(\d+|\*)|\*)/(\d+|\*)")


@dataclass
class Session:
    """An upload that goes on.

    Attributes:
        plan: What it will become.
        declared: Bytes announced at the start; None when they were not.
        data: What has arrived.
        result: The object, once it is done.
        ended: Whether it was cancelled or has failed.
    """

    plan: Plan
    declared: int | None
    data: bytearray = field(default_factory=bytearray)
    result: StoredObject | None = None
    ended: bool = False


@dataclass(frozen=True)
class Piece:
    """What ``Content-Range`` says of a body.

    Attributes:
        start: Where it belongs; None for a question how far the upload is.
        total: Size of the whole; None while it is not known.
    """

    start: int | None
    total: int | None


class ResumableUploads:
    """All sessions.

    Args:
        store: Where the objects go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, Session] = {}

    def start(self, request: Request, bucket: str) -> Response:
        """``POST`` with ``uploadType=resumable``: gives the session's address."""
        content_type = request.headers.get("x-upload-content-type", "application/octet-stream")
        plan = plan_of(request, bucket, resource_of(request), content_type)
        plan.digests = {**plan.digests, **told_digests(request.headers)}
        plan.check(self._store)
        length = request.headers.get("x-upload-content-length", "")
        upload_id = secrets.token_urlsafe(48)
        self._sessions[upload_id] = Session(plan, int(length) if length.isdigit() else None)
        query = f"uploadType=resumable&name={quote(plan.name, safe='')}&upload_id={upload_id}"
        location = f"{request.base_url}/upload/storage/v1/b/{bucket}/o?{query}"
        return Response(200, b"", {"Location": location, "X-GUploader-UploadID": upload_id})

    def send(self, request: Request) -> Response:
        """``PUT`` to a session: a piece, or the question how far it is."""
        session = self._session(request)
        if session.result is not None:
            return shown(request, session.result)
        piece = _piece(request)
        if not request.complete:
            self._keep_interrupted(session, piece, request.body)
            return Response(408)
        if piece.start is not None:
            _append(session, piece, request.body)
        if piece.total is None:
            return _incomplete(session)
        return self._finish_at(session, piece.total, request)

    def cancel(self, request: Request) -> Response:
        """``DELETE`` of a session."""
        session = self._session(request)
        session.ended = True
        session.data.clear()
        return Response(499)

    def _session(self, request: Request) -> Session:
        session = self._sessions.get(request.param("upload_id") or "")
        if session is None:
            raise StorageError(404, "notFound", "Not Found", code="NoSuchUpload")
        if session.ended:
            raise StorageError(410, "gone", "The upload session is no longer available.")
        return session

    def _keep_interrupted(self, session: Session, piece: Piece, body: bytes) -> None:
        """The service keeps whole granules of what arrived before the connection was lost."""
        if piece.start is not None and piece.start <= len(session.data):
            end = (piece.start + len(body)) // GRANULE * GRANULE
            session.data += body[len(session.data) - piece.start : max(0, end - piece.start)]

    def _finish_at(self, session: Session, total: int, request: Request) -> Response:
        if total > len(session.data):
            return _incomplete(session)
        if total < len(session.data) or session.declared not in {None, total}:
            raise invalid("Invalid request. The upload is not as long as was announced.")
        session.plan.digests = {**session.plan.digests, **told_digests(request.headers)}
        try:
            session.result = session.plan.write(self._store, bytes(session.data))
        except StorageError:
            session.ended = True
            raise
        session.data.clear()
        return shown(request, session.result)


def _append(session: Session, piece: Piece, body: bytes) -> None:
    """Add what is new of a piece.

    Raises:
        StorageError: Bytes are missing before it (503), or it is no multiple of 256 KiB (400).
    """
    start, have = piece.start or 0, len(session.data)
    if start > have:
        message = (
            f"Invalid request.  According to the Content-Range header, the upload offset is {start}"
            f" byte(s), which exceeds already uploaded size of {have} byte(s)."
        )
        raise StorageError(503, "backendError", message)
    final = piece.total is not None and start + len(body) == piece.total
    if not final and len(body) % GRANULE:
        raise invalid("Invalid request.  Pieces but the last must be multiples of 256 KiB.")
    if piece.total is not None and start + len(body) > piece.total:
        raise invalid("Invalid request.  There were more bytes than the Content-Range header says.")
    session.data += body[have - start :]


def _incomplete(session: Session) -> Response:
    have = len(session.data)
    return Response(308, b"", {"Range": f"bytes=0-{have - 1}"} if have else {})


def _piece(request: Request) -> Piece:
    header = request.headers.get("content-range")
    if header is None:
        return Piece(0, len(request.body) if request.complete else None)
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None:
        raise invalid("Failed to parse Content-Range header.")
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        if request.body:
            raise invalid("Failed to parse Content-Range header.")
        return Piece(None, total)
    start = int(match[1])
    announced = "" if match[2] == "*" else match[2]
    if announced and request.complete and int(announced) - start + 1 != len(request.body):
        expected = int(announced) - start + 1
        raise invalid(
            f"Invalid request.  There were {len(request.body)} byte(s) in the request body.  There "
            f"should have been {expected} byte(s) according to the Content-Range header."
        )
    return Piece(start, total)
