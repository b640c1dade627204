"""Configuration: options of the constructor, then ``CLOUD_*`` variables, then the provider's own."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Self

from attrs import Attribute, field, fields, frozen
from cloudkit.common.durations import Duration, seconds
from cloudkit.common.errors import ConfigurationError, ValidationError
from cloudkit.common.profiles import FILE_VARIABLE, PROFILE_VARIABLE
from cloudkit.common.region import Region

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def parse_bool(text: str) -> bool:
    """A boolean from the usual words.

    Raises:
        ValueError: The text is none of them.
    """
    word = text.strip().lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ValueError(f"{text!r} is neither true nor false")


def _parse_timeout(text: str) -> float | None:
    return None if text.strip().lower() in {"", "none"} else float(text)


def _to_timeout(value: Duration | None) -> float | None:
    return None if value is None else seconds(value, "timeout", minimum=0.001)


def _to_connect_timeout(value: Duration) -> float:
    return seconds(value, "connect_timeout", minimum=0.001)


def _to_region(value: str | Region | None) -> Region | None:
    return None if value is None else Region.of(value)


def _positive(instance: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValidationError(f"{attribute.name} must be a positive whole number, not {value!r}")


def option(
    default: Any = None,
    *,
    doc: str,
    parse: Callable[[str], Any] = str,
    secret: bool = False,
    variables: tuple[str, ...] = (),
    **attrs_options: Any,
) -> Any:
    """A field of a configuration class.

    Args:
        default: Value when nothing sets it.
        doc: What it is for, with its unit; shown in the documentation.
        parse: Turns the text of a variable or of a URL into the value.
        secret: Whether to keep it out of ``repr``.
        variables: The provider's own environment variables, in the order they are tried.
        **attrs_options: Passed on to ``attrs.field``.
    """
    metadata = {"doc": doc, "parse": parse, "variables": variables}
    return field(default=default, repr=not secret, metadata=metadata, **attrs_options)


@frozen(kw_only=True)
class CloudConfig:
    """Settings that every provider has. A provider adds its own in a subclass.

    Attributes:
        region: The region, by the provider's own name for it.
        endpoint: URL of the service, in place of the provider's own.
        timeout: Limit of one operation, with all its retries, in seconds; None for no limit.
        connect_timeout: Limit for setting up a connection, in seconds.
        max_concurrency: How many calls may be under way at once.
    """

    provider_name: ClassVar[str] = "cloud"
    native_variables: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    region: Region | None = option(doc="region of the provider", converter=_to_region)
    endpoint: str | None = option(doc="URL of the service, in place of the provider's own")
    timeout: float | None = option(
        60.0,
        doc="limit of one operation with its retries, in seconds; none for no limit",
        parse=_parse_timeout,
        converter=_to_timeout,
    )
    connect_timeout: float = option(
        10.0,
        doc="limit for a connection, in seconds",
        parse=float,
        converter=_to_connect_timeout,
    )
    max_concurrency: int = option(32, doc="calls under way at once", parse=int, validator=_positive)

    @classmethod
    def load(
        cls,
        options: Mapping[str, Any],
        environ: Mapping[str, str] | None = None,
        *,
        also_known: Iterable[str] = (),
    ) -> Self:
        """Build the configuration from options and variables.

        Args:
            options: What the caller gave. Text is parsed where the field is not text.
            environ: Environment variables; those of the process when None.
            also_known: Options handled elsewhere, for the advice about a misspelt one.

        Raises:
            ConfigurationError: An option is unknown, or a value cannot be understood.
        """
        known = {attribute.name: attribute for attribute in fields(cls)}
        for name in options:
            if name not in known:
                raise ConfigurationError(cls._unknown(name, {*known, *also_known}))
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for name, attribute in known.items():
            if name in options:
                values[name] = _parsed(name, options[name], attribute)
                continue
            for variable in cls._variables(attribute):
                if environ.get(variable):
                    values[name] = _parsed(variable, environ[variable], attribute)
                    break
        try:
            return cls(**values)
        except (ValidationError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{cls.provider_name}: {error}") from error

    def origin(self, name: str, environ: Mapping[str, str] | None = None) -> str:
        """Where the value of a setting comes from, in words, and never what it is.

        Args:
            name: The setting.
            environ: Environment variables; those of the process when None.
        """
        environ = os.environ if environ is None else environ
        attribute = getattr(fields(type(self)), name)
        for variable in self._variables(attribute):
            if environ.get(variable):
                with suppress(ConfigurationError):  # an option has come before what cannot be read
                    if _parsed(variable, environ[variable], attribute) == getattr(self, name):
                        return f"variable {variable}"
                break
        return f"option {name}"

    @classmethod
    def _variables(cls, attribute: Attribute[Any]) -> tuple[str, ...]:
        own = cls.native_variables.get(attribute.name, attribute.metadata["variables"])
        ours = f"CLOUD_{attribute.name.upper()}"
        # These two choose a profile of cloudkit.toml. A provider may have profiles and a file too.
        return own if ours in {FILE_VARIABLE, PROFILE_VARIABLE} else (ours, *own)

    @classmethod
    def _unknown(cls, name: str, known: Iterable[str]) -> str:
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"
        return f"{name!r} is not an option of the {cls.provider_name} provider; {advice}"


def _parsed(source: str, value: Any, attribute: Attribute[Any]) -> Any:
    parse = attribute.metadata["parse"]
    if not isinstance(value, str) or parse is str:
        return value
    try:
        return parse(value)
    except ValueError as error:
        message = f"{source} has a value that cannot be understood"
        if not attribute.repr:
            raise ConfigurationError(message) from None  # the reason may quote the secret
        raise ConfigurationError(f"{message}: {error}") from error
