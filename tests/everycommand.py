"""Every command of the command line, read."""

import click

from listener.cli import main

_CONTEXT = click.Context(main)
COMMANDS: dict[str, click.Command] = {
    name: found for name in main.list_commands(_CONTEXT) if (found := main.get_command(_CONTEXT, name))
}
