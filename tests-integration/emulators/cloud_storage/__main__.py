"""``python -m emulators.cloud_storage --port PORT [--anonymous]``: listens until it is ended."""

from __future__ import annotations

from argparse import ArgumentParser

from emulators.cloud_storage.application import CloudStorage
from emulators.google import Identity
from emulators.process import HOST
from emulators.web import serve

parser = ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--anonymous", action="store_true")
options = parser.parse_args()
serve(CloudStorage(Identity(anonymous=options.anonymous)), HOST, options.port)
