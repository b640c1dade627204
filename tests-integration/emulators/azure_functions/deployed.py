"""The functions of the conformance suite as an app, and some that show what a host does.

They answer a failure with status 500 and ``{"error": {"code": …, "message": …}}``, because the host keeps
to itself what a function raises; and when the caller prefers so, they answer with 202 at once and say
where their outcome can be asked for, as Durable Functions do.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import azure.functions as func
from cloudkit.testing.functions.handlers import HANDLERS

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
_witnessed: set[bytes] = set()
_outcomes: dict[str, func.HttpResponse | None] = {}


def respond(function: Callable[[bytes], bytes], req: func.HttpRequest) -> func.HttpResponse:
    """The answer of a function of bytes."""
    if "respond-async" in (req.headers.get("prefer") or ""):
        return _begin(function, req)
    return _run(function, req.get_body())


def _run(function: Callable[[bytes], bytes], payload: bytes) -> func.HttpResponse:
    try:
        return func.HttpResponse(function(payload), mimetype="application/octet-stream")
    except Exception as error:  # noqa: BLE001  # whatever it fails with
        body = json.dumps({"error": {"code": type(error).__name__, "message": str(error)}})
        return func.HttpResponse(body, status_code=500, mimetype="application/json")


def _begin(function: Callable[[bytes], bytes], req: func.HttpRequest) -> func.HttpResponse:
    identifier, payload = str(uuid.uuid4()), req.get_body()
    _outcomes[identifier] = None

    def run() -> None:
        _outcomes[identifier] = _run(function, payload)

    threading.Thread(target=run, daemon=True).start()
    url = f"{req.url.partition('/api/')[0]}/api/outcomes/{identifier}"
    return func.HttpResponse(
        json.dumps({"id": identifier, "statusQueryGetUri": url}),
        status_code=202,
        mimetype="application/json",
        headers={"Location": url, "Retry-After": "1"},
    )


def deploy(name: str, function: Callable[[bytes], bytes]) -> None:
    """Add a function of bytes."""

    def handle(req: func.HttpRequest) -> func.HttpResponse:
        return respond(function, req)

    handle.__name__ = name
    app.route(route=name, methods=["POST"])(app.function_name(name)(handle))


def _witness(payload: bytes) -> bytes:
    _witnessed.add(payload)
    return b""


def _was_witnessed(payload: bytes) -> bytes:
    return json.dumps(payload in _witnessed).encode()


for _name, _function in {
    **HANDLERS,
    "witness": _witness,
    "witnessed": _was_witnessed,
}.items():
    deploy(_name, _function)


@app.function_name("outcomes")
@app.route(route="outcomes/{identifier}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def outcomes(req: func.HttpRequest) -> func.HttpResponse:
    """What became of a call: 202 until it has ended."""
    identifier = req.route_params["identifier"]
    if identifier not in _outcomes:
        return func.HttpResponse(status_code=404)
    return _outcomes[identifier] or func.HttpResponse(status_code=202)


@app.function_name("anybody")
@app.route(route="anybody", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def anybody(req: func.HttpRequest) -> func.HttpResponse:
    """Answer anybody with what was sent, and its type."""
    return func.HttpResponse(
        req.get_body(), headers={"X-Type": req.headers.get("content-type", "")}
    )


@app.function_name("routed")
@app.route(route="else/where", methods=["POST"])
def routed(req: func.HttpRequest) -> str:
    """Answer at another place than one would expect by the name."""
    return f"type={req.headers.get('content-type')}"


@app.function_name("crash")
@app.route(route="crash", methods=["POST"])
def crash(req: func.HttpRequest) -> str:
    """Raise, and leave it to the host.

    Raises:
        RuntimeError: Always.
    """
    raise RuntimeError("only the log is told this")


@app.function_name("status")
@app.route(route="status", methods=["POST"])
def status(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the status that the payload says."""
    return func.HttpResponse("as you like", status_code=int(req.get_body()))


@app.function_name("plain")
@app.route(route="plain", methods=["POST"])
async def plain(req: func.HttpRequest) -> str:
    """Know nothing of asynchronous calls."""
    _witnessed.add(req.get_body())
    return "done"


@app.function_name("queued")
@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
def queued(message: func.QueueMessage) -> None:
    """Note what came from a queue."""
    body: Any = message.get_body()
    _witnessed.add(body)
