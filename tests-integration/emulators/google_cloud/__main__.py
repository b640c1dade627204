"""``python -m emulators.google_cloud --port PORT --project P --location L module:name ...``."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib import import_module

from emulators.cloud_functions.application import Handler
from emulators.google_cloud.application import GoogleCloud
from emulators.process import HOST
from emulators.web import serve

parser = ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--project", required=True)
parser.add_argument("--location", required=True)
parser.add_argument("handlers", nargs="+")
options = parser.parse_args()
deployed: dict[str, Handler] = {}
for entry in options.handlers:
    module, _, name = entry.partition(":")
    deployed.update(getattr(import_module(module), name))
serve(GoogleCloud(options.project, options.location, deployed), HOST, options.port)
