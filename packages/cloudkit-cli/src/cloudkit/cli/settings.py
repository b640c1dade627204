"""What all commands take: ``--json``, ``--option`` and ``--debug``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from attrs import Factory, define

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@define
class Settings:
    """What was asked for besides the command itself.

    Attributes:
        json: Whether results are JSON, one object a line.
        debug: Whether an error shows its traceback.
        options: Options of the providers, by name.
    """

    json: bool = False
    debug: bool = False
    options: dict[str, str] = Factory(dict)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    settings = context.find_object(Settings)
    if not value or settings is None:
        return
    if parameter.name != "options":
        setattr(settings, str(parameter.name), True)
        return
    for text in value:
        name, equals, given = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"write NAME=VALUE, not {text!r}", context, parameter)
        settings.options[name] = given


def _common() -> list[click.Parameter]:
    shared: dict[str, Any] = {"expose_value": False, "callback": _remember}
    return [
        click.Option(
            ["--json", "json"], is_flag=True, help="Results as JSON, one object a line.", **shared
        ),
        click.Option(
            ["-o", "--option", "options"],
            multiple=True,
            metavar="NAME=VALUE",
            help="An option of the provider, such as region=eu-west-1 or endpoint=URL.",
            **shared,
        ),
        click.Option(["--debug"], is_flag=True, help="Show tracebacks of errors.", **shared),
    ]


class Command(click.Command):
    """A command with the options that all have."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.params += _common()


class Group(click.Group):
    """A group of such commands, which takes these options as well."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.params += _common()
