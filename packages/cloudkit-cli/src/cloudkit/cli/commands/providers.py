"""``providers`` and ``capabilities``: what is installed, and what it can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.output import Output
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.common import Capabilities

CONTRACTS = ("storage", "kv", "queue", "pubsub", "functions")


@click.command(cls=Command, short_help="List what is installed, and what is not.")
@click.pass_obj
def providers(settings: Settings) -> None:
    """List the providers that are installed, and those of CloudKit that are not."""
    from cloudkit.core import ProviderType, installed_providers

    found: list[dict[str, Any]] = [
        {
            "provider": info.name,
            "installed": True,
            "version": info.version,
            "distribution": info.distribution,
        }
        for info in installed_providers()
    ]
    names = {row["provider"] for row in found}
    missing: list[dict[str, Any]] = [
        {
            "provider": kind.value,
            "installed": False,
            "version": None,
            "distribution": kind.distribution,
        }
        for kind in ProviderType
        if kind.value not in names
    ]
    columns = ("provider", "installed", "version", "distribution")
    Output(settings).table(columns, [*found, *missing])


@click.command(cls=Command)
@click.argument("provider", type=PlaceType(bare=True))
@click.argument("contract", type=click.Choice(CONTRACTS), required=False)
@click.pass_obj
def capabilities(settings: Settings, provider: Place, contract: str | None) -> int | None:
    """Show what a provider (or profile) can do, and its limits."""

    async def work() -> None:
        async with Clouds(settings, memory=True) as clouds:
            cloud = await clouds.get(provider.cloud)
            columns = ("contract", "capability", "value", "unit", "what it is")
            Output(settings).table(columns, _rows(cloud.capabilities, contract))

    return run(work)


def _rows(capabilities: Capabilities, contract: str | None) -> Iterator[dict[str, Any]]:
    for found in capabilities.contracts():
        if contract not in {None, found.contract}:
            continue
        for name, kind, value, meaning in found.describe():
            row = {"contract": found.contract, "capability": name, "kind": kind}
            shown = getattr(value, "description", value)
            row["value"] = shown
            row["what it is"] = found.reasons.get(name, meaning)
            row["unit"] = ""
            if kind == "limit":
                row["unit"] = found.unit_of(name)
            yield row
