"""Checks of options: the same words for the same mistake, whatever the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute
from cloudkit.common import ValidationError, option
from cloudkit.core.urls import is_url


def check_text(instance: object, attribute: Attribute[Any], value: object) -> None:
    """Text that is not empty, or None."""
    if value is not None and (not isinstance(value, str) or not value.strip()):
        # The value may be a secret.
        raise ValidationError(f"{attribute.name} must be text and not empty")


def check_count(instance: object, attribute: Attribute[Any], value: object) -> None:
    """A whole number above zero."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValidationError(f"{attribute.name} must be a positive whole number, not {value!r}")


def one_of(allowed: Iterable[str]) -> Callable[[object, Attribute[Any], object], None]:
    """A check that a value is one of a few words, or None.

    Args:
        allowed: The words.
    """
    words = tuple(allowed)

    def check(instance: object, attribute: Attribute[Any], value: object) -> None:
        if value is not None and value not in words:
            raise ValidationError(
                f"{attribute.name} must be one of {', '.join(words)}, not {value!r}"
            )

    return check


def check_url(
    name: str, value: object, *, example: str = "https://host:port", path: bool = True
) -> None:
    """A URL that holds nothing secret, or None.

    Args:
        name: Of the option.
        value: Its value, which is not repeated: it may hold a secret all the same.
        example: What one looks like.
        path: Whether it may have a path.

    Raises:
        ValidationError: It is none.
    """
    if value is None:
        return
    if not isinstance(value, str) or not is_url(value):
        raise ValidationError(f"{name} must be a URL such as {example}")
    parts = urlsplit(value)
    if parts.username or parts.password or parts.query:
        raise ValidationError(f"{name} must hold no user, no password and no query")
    if parts.path.strip("/") and not path:
        raise ValidationError(f"{name} must hold no path")


def check_endpoint(instance: object, attribute: Attribute[Any], value: object) -> None:
    """The URL of a service, or None."""
    check_url(attribute.name, value)


def text_option(doc: str, *variables: str, secret: bool = False) -> Any:
    """An option that is a text.

    Args:
        doc: What it is for; shown in the documentation.
        *variables: The provider's own environment variables, in the order they are tried.
        secret: Whether to keep it out of ``repr``.
    """
    return option(doc=doc, variables=variables, secret=secret, validator=check_text)
