"""Settings of the local provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, ClassVar

from attrs import frozen
from cloudkit.common import CloudConfig, ValidationError, option
from cloudkit.core import CloudOptions
from cloudkit.local.connection import Durability

_DURABILITIES = ("process", "power")


class LocalOptions(CloudOptions, total=False):
    """The options of ``CloudKit.local()``."""

    path: str | PathLike[str] | None
    durability: Durability
    functions: Mapping[str, str | Callable[..., Any]]


def _to_path(value: Any) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, (str, PathLike)):
        raise ValidationError(f"path must be a str or a Path, not {type(value).__name__}")
    text = fspath(value)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValidationError(
            f"path must name a folder, not {text!r}; leave it out to keep all in memory"
        )
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValidationError(f"path {text!r} cannot be found: {error}") from error


def _check_durability(instance: object, attribute: object, value: object) -> None:
    if value not in _DURABILITIES:
        raise ValidationError(f"durability must be 'process' or 'power', not {value!r}")


def _to_functions(value: Any) -> dict[str, str | Callable[..., Any]]:
    if not isinstance(value, Mapping):
        raise ValidationError(
            f"functions must map names to callables or 'module:callable', not be {value!r}"
        )
    for name, target in value.items():
        if not isinstance(name, str) or not (callable(target) or _is_reference(target)):
            raise ValidationError(
                f"functions[{name!r}] must be a callable or 'module:callable', not {target!r}"
            )
    return dict(value)


def _is_reference(target: object) -> bool:
    if not isinstance(target, str):
        return False
    module, _, name = target.partition(":")
    return bool(module and name)


def _parse_functions(text: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    if not all(middle for _, middle, _ in pairs):
        raise ValueError("write it as name=module:callable,name=module:callable")
    return {name.strip(): target.strip() for name, _, target in pairs}


@frozen(kw_only=True)
class LocalConfig(CloudConfig):
    """Settings of the local provider.

    Attributes:
        path: Folder that everything is kept in; made when it is missing. None keeps everything in
            memory, gone when the client is closed.
        durability: What an acknowledged write survives: ``"process"`` a killed process, ``"power"``
            also a power cut, for an fsync of every commit. A power cut damages nothing in either
            case: with ``"process"`` the last writes may be missing.
        functions: Name → callable, or ``"module:callable"`` to import it when it is first invoked.
    """

    provider_name: ClassVar[str] = "local"

    path: Path | None = option(
        doc="folder; everything in memory when there is none", converter=_to_path
    )
    durability: Durability = option(
        "process",
        doc="what an acknowledged write survives: a killed process, or a power cut as well",
        validator=_check_durability,
    )
    functions: Mapping[str, str | Callable[..., Any]] = option(
        {},
        doc="name=module:callable, separated by commas",
        parse=_parse_functions,
        converter=_to_functions,
    )
