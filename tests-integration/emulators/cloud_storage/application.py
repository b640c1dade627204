"""Which request goes where, who may send it, and the form of its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import RLock

from emulators.cloud_storage import buckets, listing, objects, uploads, xml_objects
from emulators.cloud_storage.batches import batch
from emulators.cloud_storage.copies import Copies
from emulators.cloud_storage.errors import invalid, not_doubled, text_response, xml_response
from emulators.cloud_storage.fields import selected
from emulators.cloud_storage.resumable import ResumableUploads
from emulators.cloud_storage.signed_urls import check_signature, is_signed
from emulators.cloud_storage.store import Store
from emulators.cloud_storage.xml_multipart import MultipartUploads
from emulators.google import GoogleError, Identity, identity_routes
from emulators.web import Request, Response, segment

_SCOPE = "https://www.googleapis.com/auth/devstorage."
_WRITE = (f"{_SCOPE}read_write", f"{_SCOPE}full_control")
_READ = (f"{_SCOPE}read_only", *_WRITE)
_API = r"(?:/download)?/storage/v1"

Handler = Callable[..., Response]


@dataclass(frozen=True)
class Route:
    """A method of the JSON API.

    Attributes:
        method: Of HTTP.
        path: Matches the path; its groups are given to the handler.
        handler: Called with the request and the groups.
    """

    method: str
    path: re.Pattern[str]
    handler: Handler


class CloudStorage:
    """The double.

    Args:
        identity: Who may call.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._store = Store()
        self._resumable = ResumableUploads(self._store)
        self._multipart = MultipartUploads(self._store)
        self._lock = RLock()
        self._routes = self._json_routes()

    def __call__(self, request: Request) -> Response:
        """Answer a request. One at a time: the service is consistent, too."""
        with self._lock:
            if not request.complete and "upload_id" not in dict(request.query):
                return Response(408)
            answer = identity_routes(self._identity, request)
            if answer is not None:
                return answer
            if re.match(r"/(upload/|download/|batch/)?storage/v1(/|$)", request.path) or (
                request.path.startswith("/batch")
            ):
                return self._json(request)
            return self._xml(request)

    def _json(self, request: Request) -> Response:
        try:
            if request.path == "/batch/storage/v1" and request.method == "POST":
                return batch(self._json, request)
            response = self._upload(request) or self._dispatch(request)
        except GoogleError as error:
            if error.status == 503:  # as text, as is everything about sessions
                return Response(503, error.message.encode(), {"Content-Type": "text/plain"})
            is_media = request.param("alt") == "media" or error.status == 304
            return text_response(error) if is_media else error.response()
        return _partial(request, response)

    def _upload(self, request: Request) -> Response | None:
        match = re.fullmatch(r"/upload/storage/v1/b/([^/]+)/o", request.path)
        if match is None:
            return None
        if request.param("upload_id") is not None and request.method in {"PUT", "DELETE"}:
            # Whoever knows the address of a session may go on with it.
            is_put = request.method == "PUT"
            return (self._resumable.send if is_put else self._resumable.cancel)(request)
        if request.method != "POST":
            return None
        self._identity.principal(request).require(_WRITE)
        bucket = _decoded(match[1])
        match request.param("uploadType"):
            case "media":
                return uploads.upload_media(self._store, request, bucket)
            case "multipart":
                return uploads.upload_multipart(self._store, request, bucket)
            case "resumable":
                return self._resumable.start(request, bucket)
            case kind:
                raise invalid(f"Invalid upload type: {kind}", location="uploadType")

    def _dispatch(self, request: Request) -> Response:
        for route in self._routes:
            if route.method == request.method and (match := route.path.fullmatch(request.path)):
                scopes = _READ if request.method == "GET" else _WRITE
                self._identity.principal(request).require(scopes)
                return route.handler(request, *map(_decoded, match.groups()))
        raise not_doubled(f"{request.method} {request.path}")

    def _json_routes(self) -> Sequence[Route]:
        def of_store(handler: Handler) -> Handler:
            return lambda *arguments: handler(self._store, *arguments)

        bucket, one = f"{_API}/b/([^/]+)", f"{_API}/b/([^/]+)/o/([^/]+)"
        copies = Copies(self._store)
        routes: list[tuple[str, str, Handler]] = [
            ("GET", f"{_API}/b", of_store(buckets.list_)),
            ("POST", f"{_API}/b", of_store(buckets.insert)),
            ("GET", bucket, of_store(buckets.get)),
            ("DELETE", bucket, of_store(buckets.delete)),
            ("GET", f"{bucket}/o", of_store(listing.list_)),
            ("GET", one, of_store(objects.get)),
            ("PATCH", one, of_store(objects.patch)),
            ("PUT", one, of_store(objects.update)),
            ("DELETE", one, of_store(objects.delete)),
            ("POST", f"{one}/copyTo/b/([^/]+)/o/([^/]+)", copies.copy),
            ("POST", f"{one}/rewriteTo/b/([^/]+)/o/([^/]+)", copies.rewrite),
            ("POST", f"{one}/compose", copies.compose),
        ]
        return [Route(method, re.compile(path), handler) for method, path, handler in routes]

    def _xml(self, request: Request) -> Response:
        try:
            if is_signed(request):
                check_signature(self._identity, request)
            else:
                read = request.method in {"GET", "HEAD"}
                self._identity.principal(request).require(_READ if read else _WRITE)
            bucket, _, name = request.path.removeprefix("/").partition("/")
            return self._xml_answer(request, _decoded(bucket), _decoded(name))
        except GoogleError as error:
            return xml_response(error)

    def _xml_answer(self, request: Request, bucket: str, name: str) -> Response:
        query = dict(request.query)
        if not name:
            if request.method == "GET" and "uploads" in query:
                return self._multipart.list_uploads(request, bucket)
            raise not_doubled(f"{request.method} of a bucket in the XML API")
        if "uploadId" in query or "uploads" in query:
            return self._multipart_answer(request, bucket, name)
        handler = _XML_OBJECTS.get(request.method)
        if handler is None:
            raise not_doubled(f"{request.method} of an object in the XML API")
        return handler(self._store, request, bucket, name)

    def _multipart_answer(self, request: Request, bucket: str, name: str) -> Response:
        uploads_ = self._multipart
        handlers = {
            ("POST", False): uploads_.initiate,
            ("PUT", True): uploads_.put_part,
            ("POST", True): uploads_.complete,
            ("DELETE", True): uploads_.abort,
            ("GET", True): uploads_.list_parts,
        }
        handler = handlers.get((request.method, request.param("uploadId") is not None))
        if handler is None:
            raise not_doubled(f"{request.method} of a multipart upload")
        return handler(request, bucket, name)


_XML_OBJECTS = {
    "GET": xml_objects.get,
    "HEAD": xml_objects.get,
    "PUT": xml_objects.put,
    "DELETE": xml_objects.delete,
}


def _partial(request: Request, response: Response) -> Response:
    """Only the fields that were asked for."""
    expression = request.param("fields")
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    if not expression or request.param("alt") == "media" or not is_json:
        return response
    return replace(
        response, body=json.dumps(selected(json.loads(response.body), expression)).encode()
    )


def _decoded(encoded: str) -> str:
    try:
        return segment(encoded)
    except UnicodeDecodeError:
        raise invalid("Invalid UTF-8 in a name.") from None
