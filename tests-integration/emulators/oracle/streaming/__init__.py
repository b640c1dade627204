"""Streaming."""

from emulators.oracle.streaming.application import Streaming

__all__ = ["Streaming"]
