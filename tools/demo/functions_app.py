"""The demo's function as an app of Azure Functions."""

from __future__ import annotations

import azure.functions as func

from tools.demo.application import FUNCTION
from tools.demo.digest import digest

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.function_name(FUNCTION)
@app.route(route=FUNCTION, methods=["POST"])
def answer(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the digest of a text."""
    return func.HttpResponse(digest(req.get_body()), mimetype="application/json")
