"""``presign``: URLs that need no credentials."""

from __future__ import annotations

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.durations import DURATION
from cloudkit.cli.output import Output
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Command, Settings


@click.command(cls=Command, short_help="Print a URL that needs no credentials.")
@click.argument("place", type=PlaceType("bucket", "key"))
@click.option("--put", is_flag=True, help="A URL that writes the object, instead of reading it.")
@click.option(
    "--expires",
    type=DURATION,
    default="1h",
    show_default=True,
    help="For example 900s, 15m, 2h, 1d.",
)
@click.option("--content-type", help="The only content type that may be written.")
@click.option("--serve", is_flag=True, help="Stay until Ctrl-C; what the local provider needs.")
@click.pass_obj
def presign(
    settings: Settings,
    place: Place,
    put: bool,
    expires: float,
    content_type: str | None,
    serve: bool,
) -> int | None:
    """Print a URL that reads (or writes) an object without credentials until it expires.

    The local provider serves its URLs itself, only while this command runs: give --serve.
    """
    if content_type is not None and not put:
        raise click.UsageError("--content-type goes with --put")
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            cloud = await clouds.get(place.cloud)
            if cloud.provider == "local" and not serve:
                raise click.UsageError(
                    "URLs of the local provider end with this command; add --serve"
                )
            storage = cloud.storage
            if put:
                made = await storage.presigned_put_url(
                    place.name, place.key, expires_in=expires, content_type=content_type
                )
            else:
                made = await storage.presigned_get_url(place.name, place.key, expires_in=expires)
            values = {"url": made.url, "method": made.method, "headers": dict(made.headers)}
            output.result({**values, "expires_at": made.expires_at}, made.url)
            for name, value in made.headers.items():
                output.note(f"send with it the header {name}: {value}")
            if serve:
                from anyio import sleep

                await sleep(expires)

    return run(work)
