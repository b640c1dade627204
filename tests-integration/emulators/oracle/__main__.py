"""``python -m emulators.oracle --port PORT``."""

from __future__ import annotations

from argparse import ArgumentParser

from emulators.oracle.application import Oracle
from emulators.process import HOST
from emulators.web import serve

parser = ArgumentParser()
parser.add_argument("--port", type=int, required=True)
options = parser.parse_args()
serve(Oracle(), HOST, options.port)
