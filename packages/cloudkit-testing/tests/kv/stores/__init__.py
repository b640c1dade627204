"""A store that does what the contract says, and stores with one defect each."""

from . import items, listings, values
from .registry import MUTANTS

__all__ = ["MUTANTS", "items", "listings", "values"]
