"""config/*.toml and the environment -> frozen Settings.

model.py   what there is to set      load.py   the files, every mistake at once      people.py   people, teams, policies
digests.py  who reads a digest when, and the mail server
"""

from listener.settings.load import allowed, changed, load
from listener.settings.model import Brand, Desk, Member, Role, Second, Secret, Settings, Slack, Source

__all__ = [
    "Brand",
    "Desk",
    "Member",
    "Role",
    "Second",
    "Secret",
    "Settings",
    "Slack",
    "Source",
    "allowed",
    "changed",
    "load",
]
