"""``invoke``: functions."""

from __future__ import annotations

import sys
from typing import Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.exits import Exit
from cloudkit.cli.inputs import given_bytes
from cloudkit.cli.output import Output, bytes_field, visible, write_bytes
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Command, Settings


@click.command(cls=Command)
@click.argument("function", type=PlaceType("function"))
@click.argument("payload", default="")
@click.option("--qualifier", help="A version or alias.")
@click.option("--logs", is_flag=True, help="The tail of its log, on stderr.")
@click.option("--async", "in_background", is_flag=True, help="Do not wait for its answer.")
@click.pass_obj
def invoke(
    settings: Settings,
    function: Place,
    payload: str,
    qualifier: str | None,
    logs: bool,
    in_background: bool,
) -> int | None:
    """Invoke a function and print its answer. PAYLOAD is a text, @FILE, or - for standard input.

    A function that fails ends the command with 9.
    """
    data = given_bytes(payload)
    name = f"{function.name}/{function.key}" if function.key else function.name

    async def work() -> int | None:
        async with Clouds(settings, memory=True) as clouds:
            contract = (await clouds.get(function.cloud)).functions
            output = Output(settings)
            if in_background:
                begun = await contract.invoke_async(name, data, qualifier=qualifier)
                values: dict[str, Any] = {
                    "request_id": begun.request_id,
                    "status_url": begun.status_url,
                }
                output.result(values, begun.request_id or "begun")
                return None
            result = await contract.invoke(name, data, qualifier=qualifier, logs=logs)
            error = None if result.error is None else str(result.error)
            if settings.json:
                values = {"ok": result.ok, "error": error, "status": result.status}
                values |= bytes_field("payload", result.payload)
                output.result({**values, "request_id": result.request_id, "logs": result.logs}, "")
            else:
                write_bytes(result.payload)
                _tell(result.logs, error, name)
            return None if result.ok else Exit.FUNCTION_FAILED

    return run(work)


def _tell(logs: str | None, error: str | None, name: str) -> None:
    if logs:
        print(visible(logs, lines=True), file=sys.stderr)
    if error is not None:
        line = " ".join(error.split())
        print(f"cloudkit: the function {name} failed: {visible(line)}", file=sys.stderr)
