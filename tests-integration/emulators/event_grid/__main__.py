"""``python -m emulators.event_grid --port PORT --key KEY …``: listens until it is ended."""

from __future__ import annotations

from argparse import ArgumentParser

from emulators.event_grid.access import Access
from emulators.event_grid.application import EventGrid
from emulators.event_grid.namespace import Namespace
from emulators.process import HOST
from emulators.web import serve

parser = ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--key", required=True)
parser.add_argument("--token", required=True)
parser.add_argument("--place", required=True, help="subscription/group/namespace")
parser.add_argument("--shortest-lock", type=int, default=60)
parser.add_argument("--provisioning", type=float, default=0.03)
options = parser.parse_args()
namespace = Namespace(options.shortest_lock, options.provisioning)
app = EventGrid(Access(options.key, options.token), options.place, namespace)
serve(app, HOST, options.port)
