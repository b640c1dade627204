"""Uploads in parts whose parts are still on their way. Used in worker threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class UnfinishedUploads:
    """Sees to it that no part outlives its upload.

    A part that is on its way while its upload is aborted may still be stored, and is paid for until
    the upload is aborted once more: see
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html. The threads that
    send parts go on when the task that wants them is cancelled, so that is what happens then.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: Counter[str] = Counter()
        self._aborted: set[str] = set()

    def abort(self, upload_id: str) -> None:
        """Remember that an upload is aborted, as long as there are parts on their way."""
        with self._lock:
            if upload_id in self._parts:
                self._aborted.add(upload_id)

    @contextmanager
    def part(self, upload_id: str, abort: Callable[[], object]) -> Iterator[None]:
        """Send a part inside this.

        Args:
            upload_id: Its upload.
            abort: Aborts the upload; called when that has been done before the part arrived.
        """
        with self._lock:
            self._parts[upload_id] += 1
        try:
            yield
            if upload_id in self._aborted:
                abort()
        finally:
            with self._lock:
                self._parts[upload_id] -= 1
                if not self._parts[upload_id]:
                    del self._parts[upload_id]
                    self._aborted.discard(upload_id)
