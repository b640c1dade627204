"""``python -m emulators.cloud_tasks --port PORT --identity-port PORT``."""

from __future__ import annotations

from argparse import ArgumentParser

from emulators.cloud_tasks.dispatch import Dispatcher
from emulators.cloud_tasks.service import Service
from emulators.cloud_tasks.service import serve as serve_api
from emulators.cloud_tasks.store import Store
from emulators.google import Identity, identity_routes
from emulators.process import HOST
from emulators.web import Request, Response, serve

parser = ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--identity-port", type=int, required=True)
options = parser.parse_args()
identity = Identity()


def sign(email: str, audience: str) -> str:
    """An ID token, of an account that is made when it is first named."""
    if email not in identity.accounts:
        name, _, project = email.removesuffix(".iam.gserviceaccount.com").partition("@")
        identity.create_account(project, name, "")
    return identity.issue_id_token(identity.accounts[email], audience)


def accounts(request: Request) -> Response:
    """Who signs, and by which keys."""
    return identity_routes(identity, request) or Response(404)


store = Store()
dispatcher = Dispatcher(store, sign)
dispatcher.start()
server = serve_api(Service(store, dispatcher), f"{HOST}:{options.port}")
serve(accounts, HOST, options.identity_port)
