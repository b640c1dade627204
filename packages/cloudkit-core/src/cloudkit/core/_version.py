"""The version of all CloudKit distributions, which move together."""

__version__ = "0.1.0"
