"""Profiles: named sets of options in a ``cloudkit.toml``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from cloudkit.common.errors import ConfigurationError

FILE_NAME = "cloudkit.toml"
FILE_VARIABLE = "CLOUD_CONFIG_FILE"
PROFILE_VARIABLE = "CLOUD_PROFILE"


@frozen
class Profile:
    """One profile of a file.

    Attributes:
        name: Name of the profile.
        provider: Name of the provider to connect to.
        options: Options of that provider.
    """

    name: str
    provider: str
    options: Mapping[str, Any]


def find_file(environ: Mapping[str, str] | None = None) -> Path:
    """Where the profiles are.

    Looks at ``CLOUD_CONFIG_FILE``, then for ``cloudkit.toml`` in the working directory and its
    parents, then in the user's configuration directory.

    Raises:
        ConfigurationError: There is no such file.
    """
    environ = os.environ if environ is None else environ
    if environ.get(FILE_VARIABLE):
        return Path(environ[FILE_VARIABLE])
    for candidate in _candidates(environ):
        if candidate.is_file():
            return candidate
    raise ConfigurationError(
        f"there is no {FILE_NAME} in this directory, its parents or the user's configuration",
        hint=f"Create one with a [profiles.NAME] table, or set {FILE_VARIABLE} to its path.",
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    here = Path.cwd()
    for folder in (here, *here.parents):
        yield folder / FILE_NAME
    home = environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    yield Path(home) / "cloudkit" / FILE_NAME


def load_profile(name: str | None = None, path: str | os.PathLike[str] | None = None) -> Profile:
    """Read a profile.

    Args:
        name: Its name; ``CLOUD_PROFILE`` or ``"default"`` when None.
        path: The file; looked for when None.

    Raises:
        ConfigurationError: The file or the profile is missing or wrong.
    """
    name = name or os.environ.get(PROFILE_VARIABLE) or "default"
    file = Path(path) if path is not None else find_file()
    profiles = _read(file).get("profiles", {})
    if not isinstance(profiles, dict):
        raise ConfigurationError(f"profiles in {file} must be tables: [profiles.{name}]")
    table = profiles.get(name)
    if not isinstance(table, dict):
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(f"{file} has no profile {name!r}; it has: {known}")
    options = dict(table)
    provider = options.pop("provider", None)
    if not isinstance(provider, str):
        raise ConfigurationError(f"profile {name!r} in {file} must name its provider")
    return Profile(name, provider, options)


def profile_names(path: str | os.PathLike[str] | None = None) -> list[str]:
    """The profiles that a file has; none when there is no file.

    Args:
        path: The file; looked for when None.

    Raises:
        ConfigurationError: The file is wrong.
    """
    try:
        file = Path(path) if path is not None else find_file()
    except ConfigurationError:
        return []
    profiles = _read(file).get("profiles", {})
    return list(profiles) if isinstance(profiles, dict) else []


def _read(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
