"""The command as a whole: its subcommands, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from cloudkit.cli.commands.completion import completion
from cloudkit.cli.commands.copying import copy, synchronise
from cloudkit.cli.commands.demo import demo
from cloudkit.cli.commands.doctor import doctor
from cloudkit.cli.commands.functions import invoke
from cloudkit.cli.commands.kv import kv
from cloudkit.cli.commands.objects import cat, list_objects, make_bucket, stat
from cloudkit.cli.commands.presign import presign
from cloudkit.cli.commands.providers import capabilities, providers
from cloudkit.cli.commands.pubsub import publish, subscribe
from cloudkit.cli.commands.queue import queue
from cloudkit.cli.commands.removing import remove
from cloudkit.cli.commands.topic import topic
from cloudkit.cli.exits import Exit, ReportedError, SignalError, exit_of
from cloudkit.cli.output import report
from cloudkit.cli.settings import Group, Settings


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        from cloudkit.core import __version__

        click.echo(f"cloudkit {__version__}")
        context.exit()


class Program(Group):
    """All of it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run what was asked for; nobody to read the output is no error that needs words."""
        try:
            outcome = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes stdout once more when it ends; that must find something that takes it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise ReportedError(Exit.BROKEN_PIPE) from None
        return outcome


@click.group(cls=Program, name="cloudkit", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version,
    help="Show the version.",
)  # fmt: skip
def cloudkit() -> None:
    """Objects, documents, queues, topics and functions of any cloud.

    A PLACE is s3://bucket/key, az://…, gs://…, oci://…, local://… or NAME:bucket/key, with the name of
    a profile in cloudkit.toml or of a provider. Queues, tables, topics and functions stand where the
    bucket does: aws:orders.

    \b
    Exit codes: 0 done, 1 the service failed, 2 wrong usage or configuration,
    3 not found, 4 credentials or permission, 5 conflict or condition,
    6 provider not installed, 7 not supported by the provider,
    8 no answer or throttled, 9 the function failed, 130 Ctrl-C.
    """  # noqa: D301  (Click takes that character for: leave these lines as they are)


for _command in (
    providers,
    capabilities,
    doctor,
    list_objects,
    stat,
    cat,
    copy,
    synchronise,
    remove,
    make_bucket,
    presign,
    kv,
    queue,
    topic,
    publish,
    subscribe,
    invoke,
    demo,
    completion,
):
    cloudkit.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What stands behind ``cloudkit``; those of the process when None.

    Returns:
        The exit code; see [Exit][cloudkit.cli.Exit].
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = given[: given.index("--")] if "--" in given else given
    settings = Settings(json="--json" in options, debug="--debug" in options)
    try:
        outcome = cloudkit.main(given, prog_name="cloudkit", standalone_mode=False, obj=settings)
    except (SignalError, ReportedError) as end:
        return end.exit
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        return _misused(error, settings)
    except Exception as error:  # noqa: BLE001  (what ends the command says so in one line)
        if settings.debug:
            import traceback

            traceback.print_exc()
        else:
            report(error, as_json=settings.json)
        return exit_of(error)
    return outcome if isinstance(outcome, int) else Exit.OK


def _misused(error: click.ClickException, settings: Settings) -> Exit:
    context = getattr(error, "ctx", None)
    hint = f" Try '{context.command_path} --help'." if context is not None else ""
    if settings.json:
        from cloudkit.cli.output import to_json

        values = {"error": "UsageError", "message": error.format_message(), "exit": 2}
        print(to_json(values), file=sys.stderr)
    else:
        line = " ".join(error.format_message().split()).removesuffix(".")
        print(f"cloudkit: {line}.{hint}" if hint else f"cloudkit: {line}", file=sys.stderr)
    return Exit.USAGE
