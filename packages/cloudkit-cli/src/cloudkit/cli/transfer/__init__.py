"""Copying: what is copied where, the copying itself, and how far it is."""
