"""Acme's provider for CloudKit."""

from acme.cloud import AcmeCloud, AcmeConfig

__all__ = ["AcmeCloud", "AcmeConfig"]
