"""Where something is in Slack: "C0123456789" in the workspace that is meant when none is named, otherwise
"T0123456789/C0123456789". People, channels and messages are all told apart like this."""

import re

_TEAM = re.compile(r"[TE][A-Z0-9]+")


def parted(place: str) -> tuple[str, str]:
    """(workspace, what is there); "" for the workspace that is meant when none is named."""
    team, slash, there = place.partition("/")
    return (team, there) if slash and _TEAM.fullmatch(team) else ("", place)


def joined(team: str, there: str) -> str:
    return f"{team}/{there}" if team else there


def without(team: str, place: str) -> str:
    """The same place, where `team` is meant when none is named: a place has one name."""
    found, there = parted(place)
    return there if found == team else place
