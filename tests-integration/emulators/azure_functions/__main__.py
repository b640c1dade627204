"""``python -m emulators.azure_functions MODULE:APP --port PORT …``: listens until it is ended."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib import import_module

from emulators.azure_functions.application import Host
from emulators.azure_functions.keys import Keys
from emulators.process import HOST
from emulators.web import serve

parser = ArgumentParser()
parser.add_argument("app")
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--master-key", required=True)
parser.add_argument("--host-key", required=True)
parser.add_argument("--function-key", required=True)
parser.add_argument("--token")
options = parser.parse_args()
module, _, name = options.app.partition(":")
app = getattr(import_module(module), name)
keys = Keys(options.master_key, options.host_key, options.function_key, options.token)
serve(Host(app, keys), HOST, options.port)
