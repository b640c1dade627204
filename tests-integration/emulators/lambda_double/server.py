"""The double as a server: ``python -m emulators.lambda_double.server PORT MODULE:HANDLERS …``.

Each argument names a mapping from names to handlers. The secrets of those who may call stand in the
variable ``LAMBDA_DOUBLE_SECRETS``, as JSON: access key → secret key.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from emulators.lambda_double.runtime import Handler, run, take_output
from emulators.lambda_double.signature import SignatureError, check

SYNC_LIMIT, ASYNC_LIMIT = 6_291_456, 1_048_576
MAX_ITEMS = 50
ASYNC_ATTEMPTS = 3
VERSIONS = frozenset({"$LATEST", "1", "live"})
ACCOUNT = "000000000000"

_ROOT = "/2015-03-31/functions"
_FUNCTION = re.compile(rf"{_ROOT}/([^/]+)(/invocations)?")
_NAME = re.compile(
    r"(?:arn:aws:lambda:[^:]+:)?(?:\d{12}:)?(?:function:)?([A-Za-z0-9_.-]+)(?::([$A-Za-z0-9_-]+))?"
)


class RefusedError(Exception):
    """The service refuses a request.

    Attributes:
        status: HTTP status.
        code: The service's name of the error.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class LambdaHandler(BaseHTTPRequestHandler):
    """Answers requests of the service's REST API."""

    protocol_version = "HTTP/1.1"
    functions: Mapping[str, Handler] = {}
    secrets: Mapping[str, str] = {}

    def do_GET(self) -> None:
        """List functions, or describe one."""
        self._serve(b"")

    def do_POST(self) -> None:
        """Invoke one."""
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as it is inherited)
        """One line a request, on standard error."""
        sys.stderr.write(f"{format % args}\n")

    def _serve(self, body: bytes) -> None:
        if self.path == "/":
            self._answer(404, {}, b"")
            return
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            check(self.command, self.path, headers, body, self.secrets)
            self._route(body)
        except SignatureError as error:
            self._refuse(403, error.code, str(error))
        except RefusedError as error:
            self._refuse(error.status, error.code, str(error))

    def _route(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match = _FUNCTION.fullmatch(parts.path)
        if self.command == "GET" and parts.path.rstrip("/") == _ROOT:
            self._list(query)
        elif match is None or (self.command == "POST") != bool(match[2]):
            raise RefusedError(404, "UnknownOperationException", "there is no such operation")
        else:
            name = self._find(unquote(match[1]), query.get("Qualifier"))
            if self.command == "GET":
                self._json({"Configuration": _configuration(name), "Code": {}, "Tags": {}})
            else:
                self._invoke(name, body)

    def _find(self, given: str, qualifier: str | None) -> str:
        match = _NAME.fullmatch(given)
        if match is None:
            raise RefusedError(400, "ValidationException", f"{given!r} is not a valid name")
        version = qualifier or match[2] or "$LATEST"
        if match[1] not in self.functions or version not in VERSIONS:
            suffix = "" if version == "$LATEST" else f":{version}"
            arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{match[1]}{suffix}"
            raise RefusedError(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return match[1]

    def _invoke(self, name: str, body: bytes) -> None:
        kind = self.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        if kind not in {"RequestResponse", "Event", "DryRun"}:
            raise RefusedError(400, "InvalidParameterValueException", f"no invocation type {kind}")
        limit = ASYNC_LIMIT if kind == "Event" else SYNC_LIMIT
        if len(body) > limit:
            raise RefusedError(
                413,
                "RequestTooLargeException",
                f"{len(body)} byte payload is too large for the {kind} invocation type "
                f"(limit {limit} bytes)",
            )
        _check_json(body)
        function = self.functions[name]
        if kind == "DryRun":
            self._answer(204, {}, b"")
        elif kind == "Event":
            threading.Thread(target=_run_later, args=(function, body), daemon=True).start()
            self._answer(202, {}, b"")
        else:
            result = run(function, body, self.headers.get("X-Amz-Client-Context"))
            headers = {"X-Amz-Executed-Version": "$LATEST", "Content-Type": "application/json"}
            if result.failed:
                headers["X-Amz-Function-Error"] = "Unhandled"
            if self.headers.get("X-Amz-Log-Type") == "Tail":
                headers["X-Amz-Log-Result"] = result.tail
            self._answer(200, headers, result.payload)

    def _list(self, query: Mapping[str, str]) -> None:
        names = sorted(self.functions, reverse=True)  # in no order that anybody should rely on
        start = int(query.get("Marker", "0"))
        end = start + min(int(query.get("MaxItems", str(MAX_ITEMS))), MAX_ITEMS)
        answer: dict[str, Any] = {"Functions": [_configuration(n) for n in names[start:end]]}
        if end < len(names):
            answer["NextMarker"] = str(end)
        self._json(answer)

    def _json(self, value: object) -> None:
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"Type": "User", "Message": message, "message": message}).encode()
        self._answer(status, {"x-amzn-ErrorType": code, "Content-Type": "application/json"}, body)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"x-amzn-RequestId": str(uuid.uuid4()), **headers}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class LambdaServer(ThreadingHTTPServer):
    """Takes many connections at once."""

    daemon_threads = True
    request_queue_size = 128


def _configuration(name: str) -> dict[str, Any]:
    return {
        "FunctionName": name,
        "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}",
        "Runtime": "python3.13",
        "Handler": "main.handler",
        "LastModified": "2026-01-02T03:04:05.678+0000",
        "Version": "$LATEST",
    }


def _check_json(body: bytes) -> None:
    try:
        json.loads(body.decode() or "{}", parse_constant=int)  # int refuses NaN
    except ValueError as error:
        raise RefusedError(
            400,
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
        ) from error


def _run_later(function: Handler, body: bytes) -> None:
    for _ in range(ASYNC_ATTEMPTS):
        if not run(function, body, None).failed:
            return


def main(port: str, *mappings: str) -> None:
    """Serve until killed."""
    functions: dict[str, Handler] = {}
    for mapping in mappings:
        module, _, name = mapping.partition(":")
        functions |= getattr(import_module(module), name)
    LambdaHandler.functions = functions
    LambdaHandler.secrets = json.loads(os.environ["LAMBDA_DOUBLE_SECRETS"])
    take_output()
    LambdaServer(("127.0.0.1", int(port)), LambdaHandler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
