"""Places: how a command names a bucket, an object, a table, a queue, a topic or a function."""

from __future__ import annotations

import os
import re
from typing import Any

import click
from attrs import frozen
from click.shell_completion import CompletionItem

SCHEMES = {"s3": "aws", "az": "azure", "gs": "gcp", "oci": "oracle", "local": "local"}
"""Scheme of a URL → name of the provider."""

_URL = re.compile(r"([A-Za-z0-9][A-Za-z0-9+._-]*)://(.*)", re.DOTALL)
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*):(.*)", re.DOTALL)
_FOLDER = re.compile(r"(/|\.{1,2}(?=/|$)|~(?=/|$))", re.DOTALL)


@frozen
class CloudName:
    """Which cloud.

    Attributes:
        name: Of the provider, or of the profile.
        profile: Whether it may be a profile; a provider otherwise.
        folder: The folder of the local provider, where the place names one.
    """

    name: str
    profile: bool = False
    folder: str | None = None

    def __str__(self) -> str:
        return self.name if self.folder is None else f"{self.name}://{self.folder}"


@frozen
class Place:
    """A place in a cloud.

    Attributes:
        cloud: Which cloud.
        name: Bucket, table, queue, topic or function; empty for the cloud as a whole.
        key: What stands behind it: an object's key or a prefix, or the subscription of a topic.
        root: How the cloud was written, to write other places of it.
    """

    cloud: CloudName
    name: str = ""
    key: str = ""
    root: str = ""

    def __str__(self) -> str:
        return self.at(self.name, self.key) if self.name else self.root

    def at(self, name: str, key: str = "") -> str:
        """Another place of the same cloud, as it would be written."""
        return f"{self.root}{name}/{key}" if key else f"{self.root}{name}"


def parse_place(text: str) -> Place | None:
    """The place that a text names; None when it is the path of a file.

    Raises:
        UsageError: It looks like a URL, and is none that is known.
    """
    found = _URL.fullmatch(text)
    if found is not None:
        scheme, rest = found[1].lower(), found[2]
        if scheme not in SCHEMES:
            raise click.UsageError(_unknown_scheme(scheme))
        if scheme == "local" and _FOLDER.match(rest):
            return _in_folder(rest)
        return _split(CloudName(SCHEMES[scheme]), rest, f"{scheme}://")
    found = _NAMED.fullmatch(text)
    if found is None:
        return None
    return _split(CloudName(found[1], profile=True), found[2], f"{found[1]}:")


def _in_folder(rest: str) -> Place:
    """A folder of the local provider, which ends at the first ``//``."""
    folder, _, inside = rest.partition("//")
    folder = folder or "/"
    return _split(CloudName("local", folder=folder), inside, f"local://{folder.rstrip('/')}//")


def _split(cloud: CloudName, rest: str, root: str) -> Place:
    name, slash, key = rest.partition("/")
    if slash and not name:
        raise click.UsageError(f"{root}{rest} has no name before the slash")
    return Place(cloud, name, key, root)


def _unknown_scheme(scheme: str) -> str:
    known = ", ".join(f"{name}://" for name in SCHEMES)
    return (
        f"{scheme}:// is not known; write {known}, or NAME:bucket/key with the name of a profile or "
        "provider"
    )


def folder_of(key: str) -> str:
    """The prefix of all that is below a key: it ends with a slash, or is empty."""
    return key if not key or key.endswith("/") else f"{key}/"


def name_of(source: Place | str) -> str:
    """The last part of a place or path: what it is called inside of a target."""
    if isinstance(source, Place):
        return source.key.rstrip("/").rpartition("/")[2] or source.name
    return os.path.basename(os.path.abspath(source))  # noqa: PTH100, PTH119  (a link keeps its name)


def nothing_below(place: Place) -> Exception:
    """The error for a prefix without objects."""
    from cloudkit.common import NotFoundError

    where = place.at(place.name, folder_of(place.key))
    hint = None
    if not place.key.endswith("/"):
        hint = f"-r is for what is below; the object {place} itself goes without -r."
    return NotFoundError(f"there are no objects below {where}", hint=hint)


class PlaceType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions only
    """A place on the command line.

    Args:
        wants: What it must name, in words; empty when it may be the cloud as a whole.
        key: What must stand behind the name, in words; empty when nothing has to.
        bare: Whether the name of a provider or profile alone is enough.
        alone: Whether nothing may stand behind the name.
    """

    name = "place"

    def __init__(
        self, wants: str = "", key: str = "", *, bare: bool = False, alone: bool = False
    ) -> None:
        self._alone = alone
        self._wants = wants
        self._key = key
        self._bare = bare

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place:
        """The place.

        Raises:
            UsageError: It is none, or does not name what it must.
        """
        if isinstance(value, Place):
            return value
        place = parse_place(value)
        if place is None and self._bare:
            place = Place(CloudName(value, profile=True), root=f"{value}:")
        if place is None:
            self.fail(f"{value!r} is a path; write s3://…, local://… or NAME:…", param, ctx)
        if self._wants and not place.name:
            self.fail(f"{value!r} names no {self._wants}", param, ctx)
        if self._key and not place.key:
            self.fail(f"{value!r} names no {self._key}", param, ctx)
        if self._alone and place.key:
            self.fail(
                f"{value!r} has {place.key!r} behind the name of the {self._wants}", param, ctx
            )
        return place

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Schemes and profiles. Nothing is asked of any service."""
        found = [item for item in _beginnings(bare=self._bare) if item.startswith(incomplete)]
        return [CompletionItem(item) for item in found]


class EndType(click.ParamType):  # type: ignore[type-arg]
    """One end of a copy: a place, the path of a file, or ``-``."""

    name = "place or path"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place | str:
        """The place, or the path as it stands."""
        if isinstance(value, Place):
            return value
        return parse_place(value) or value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Schemes and profiles, and the shell's own files."""
        found = [CompletionItem(item) for item in _beginnings() if item.startswith(incomplete)]
        return [*found, CompletionItem(incomplete, type="file")]


def _beginnings(*, bare: bool = False) -> list[str]:
    from cloudkit.common import ConfigurationError, profile_names
    from cloudkit.core import installed_providers

    try:
        profiles = profile_names()
    except ConfigurationError:
        profiles = []  # the command itself will say what is wrong with the file
    if bare:
        return [*profiles, *(info.name for info in installed_providers())]
    return [*(f"{scheme}://" for scheme in SCHEMES), *(f"{name}:" for name in profiles)]
