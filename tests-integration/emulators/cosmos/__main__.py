"""``python -m emulators.cosmos --port PORT --key KEY --token TOKEN``: listens until it is ended."""

from __future__ import annotations

from argparse import ArgumentParser

from emulators.cosmos.application import Cosmos
from emulators.process import HOST
from emulators.web import serve

parser = ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--key", required=True)
parser.add_argument("--token", required=True)
options = parser.parse_args()
serve(Cosmos(options.key, options.token), HOST, options.port)
