"""The `listener` command. Each command lives in listener/commands/, by what it is for."""

from importlib.metadata import version

import click

from listener.commands import (
    accounts,
    casework,
    desk,
    hearing,
    importing,
    judging,
    matters,
    memory,
    people,
    reply,
    running,
    setup,
)

COMMANDS = (
    *(running.run, running.once, setup.demo, setup.init, setup.doctor),
    *(memory.assess, memory.search, importing.import_, memory.export, memory.replay, memory.erase),
    *(casework.cases, casework.case, casework.ack, casework.promise, casework.handover, casework.accept),
    *(casework.decline, casework.report, casework.follow_up, casework.dismiss, casework.reopen),
    *(matters.raise_, matters.join, matters.split, matters.note, matters.snooze, matters.ask, matters.undo),
    *(matters.answered, matters.statement, people.who, people.away, reply.guard, desk.desk),
    *(judging.evaluate, judging.learn),
    *(hearing.sources, hearing.coverage, accounts.digest, accounts.audit, accounts.backup, setup.completion),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("listening-post"), prog_name="listener")
def main() -> None:
    """Hears public complaints about a brand, gives each to one named person, and does not let go.

    \b
    listener demo            the whole loop on invented data, no keys needed
    listener init            write a first configuration
    listener doctor          check it
    listener run             listen, escalate and deliver, until stopped
    """


for command in COMMANDS:
    main.add_command(command)
