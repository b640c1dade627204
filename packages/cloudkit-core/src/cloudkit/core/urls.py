"""What the URL of a service tells."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_url(value: object) -> bool:
    """Whether a value is the URL of a server."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number, or a bracket is missing
        return False


def is_plain(url: str) -> bool:
    """Whether requests to a URL are not encrypted: what emulators take."""
    return urlsplit(url).scheme == "http"


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
