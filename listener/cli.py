"""The `listener` command. Each command lives in listener/commands/, by what it is for.

A command's module is read when it is called: what only asks for help, or for the version, waits for nothing.
"""

from importlib import import_module

import click

COMMANDS = {  # section -> name -> (module, what it does in a line)
    "At work": {
        "run": ("running", "listen, escalate and deliver, until stopped"),
        "once": ("running", "one full turn: poll every source now, escalate, deliver"),
        "demo": ("setup", "the whole loop on invented data: no keys, no network"),
        "desk": ("desk", "the web desk without the engine; `listener run` serves it too"),
        "keys": ("keys", "what programs show to the desk's JSON API"),
    },
    "Setting up": {
        "init": ("setup", "write a first working configuration"),
        "doctor": ("setup", "check everything that is configured; say what to do about each"),
        "import": ("importing", "bring history in from another tool's export"),
        "migrate": ("moving", "move a database file into PostgreSQL"),
        "completion": ("setup", "print the shell's completion script"),
    },
    "Cases": {
        "cases": ("casework", "open cases, most urgent first"),
        "case": ("casework", "one case, with its timeline"),
        "ack": ("casework", "acknowledge: it is yours now"),
        "promise": ("casework", "promise something by a time, or move a promise and say why"),
        "handover": ("casework", "offer it to a person or a team; yours until they accept"),
        "accept": ("casework", "take over what was offered to you"),
        "decline": ("casework", "decline what was offered to you"),
        "report": ("casework", "report back what was done"),
        "follow-up": ("casework", "say whether it really helped; worse opens it again"),
        "dismiss": ("casework", "not a complaint, or not ours to answer"),
        "undo": ("matters", "take a dismissal back within a day"),
        "reopen": ("casework", "open an ended case again"),
        "raise": ("matters", "escalate by hand what nothing heard"),
        "join": ("matters", "a case is the matter of another"),
        "split": ("matters", "a post was joined wrongly"),
        "note": ("matters", "note what the next reader should know"),
        "snooze": ("matters", "do not remind me before then"),
        "ask": ("matters", "ask the next one up for help"),
        "answered": ("matters", "the customer was answered in public"),
        "statement": ("matters", "what may be said to every customer of an incident"),
        "verdict": ("matters", "is the severity right: worse, right, milder"),
        "guard": ("reply", "what in a draft reply would make things worse"),
    },
    "People": {
        "who": ("people", "who would be told first, who next, and why"),
        "away": ("people", "I am away until then"),
    },
    "Memory": {
        "search": ("memory", "search the mention history"),
        "export": ("memory", "write the mention history out"),
        "digest": ("accounts", "what happened, what is owed, what could not be heard"),
        "sources": ("hearing", "how well each source is heard, and what it costs"),
        "coverage": ("hearing", "when a source was not heard, or not wholly"),
        "audit": ("accounts", "prove that everything balances, or say what does not"),
        "erase": ("memory", "remove a post or an author everywhere"),
        "backup": ("accounts", "copy the database while the work goes on"),
    },
    "Judgement": {
        "assess": ("memory", "judge posts: JSON Lines in, JSON Lines out"),
        "replay": ("memory", "what another rule, ladder or clock would have done"),
        "eval": ("judging", "how good judgements are"),
        "learn": ("learning", "learn from the team's own verdicts"),
    },
}
_PLACES = {name: module for section in COMMANDS.values() for name, (module, _) in section.items()}
_CALLED = {"import": "import_", "raise": "raise_", "eval": "evaluate", "follow-up": "follow_up"}


class Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _PLACES:
            return None
        module = import_module(f"listener.commands.{_PLACES[cmd_name]}")
        found: click.Command = getattr(module, _CALLED.get(cmd_name, cmd_name))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, commands in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="listening-post", prog_name="listener")
def main() -> None:
    """Hears public complaints about a brand, gives each to one named person, and does not let go.

    \b
    listener demo            the whole loop on invented data, no keys needed
    listener init            write a first configuration
    listener doctor          check it
    listener run             listen, escalate and deliver, until stopped
    """
