"""``completion``: what a shell has to be told to complete this command."""

from __future__ import annotations

import click
from cloudkit.cli.output import Output
from cloudkit.cli.settings import Command, Settings

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion of a shell.

    \b
    bash: eval "$(cloudkit completion bash)" in ~/.bashrc
    zsh:  eval "$(cloudkit completion zsh)" in ~/.zshrc
    fish: cloudkit completion fish > ~/.config/fish/completions/cloudkit.fish
    """  # noqa: D301  (Click takes that character for: leave these lines as they are)
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  (Click has all of SHELLS)
    root = context.find_root().command
    source = kind(root, {}, "cloudkit", "_CLOUDKIT_COMPLETE").source()
    output = Output(context.find_object(Settings) or Settings())
    if output.json:
        output.result({"shell": shell, "script": source}, "")
    else:
        click.echo(source)
