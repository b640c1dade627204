"""Services that do what the contracts say, and services with one defect each."""

from . import calls, contents, leases, places
from .registry import MUTANTS

__all__ = ["MUTANTS", "calls", "contents", "leases", "places"]
