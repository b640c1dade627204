"""What the doubles of Google's services have in common: who may call, and the shape of errors."""

from emulators.google.accounts import create_service_account
from emulators.google.errors import GoogleError
from emulators.google.identity import Identity, Principal
from emulators.google.routes import identity_routes

__all__ = ["GoogleError", "Identity", "Principal", "create_service_account", "identity_routes"]
