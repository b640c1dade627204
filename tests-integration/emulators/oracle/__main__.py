"""``python -m emulators.oracle --port PORT [--functions MODULE:NAME …]``.

Each name is that of a mapping from names of functions to what they do, bytes in and bytes out.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from importlib import import_module

from emulators.oracle.application import Oracle
from emulators.process import HOST
from emulators.web import serve

parser = ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--functions", action="append", default=[])
options = parser.parse_args()
functions: dict[str, Callable[[bytes], bytes]] = {}
for mapping in options.functions:
    module, _, name = mapping.partition(":")
    functions |= getattr(import_module(module), name)
serve(Oracle(functions), HOST, options.port)
