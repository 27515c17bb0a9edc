"""What `listener doctor` looks at: is the token taken, is everything granted, can everybody be reached?"""

from collections.abc import AsyncIterator, Sequence

from slack_sdk.errors import SlackApiError

from escalation.policy import Person
from escalation.slack import errors
from escalation.slack.calls import Line, by_post, only
from escalation.slack.places import parted, without
from listener.settings import Slack
from listener.slack.guests import judged
from listener.slack.office import client
from listener.storage.contract import Store

SCOPES = {  # scope -> what does not work without it
    "chat:write": "cards and messages",
    "im:write": "messages to a case's owner",
    "im:history": "finding what a cut-off delivery had said",
    "channels:history": "the same in public channels",
    "groups:history": "the same in private channels",
    "users:read": "telling colleagues from guests, so nobody can press",
    "links:read": "seeing that a link to the desk was shared",
    "links:write": "saying how the case behind it stands",
    "files:write": "pictures of charts, where Slack does not draw them itself",
    "files:read": "seeing that such a picture was taken in",
    "commands": "/mentions, /cases, /oncall, /digest and the shortcuts",
}


Found = AsyncIterator[tuple[str, bool, str]]  # what, is it well, what was found


async def examine(slack: Slack, people: Sequence[Person], line: Line | None = None) -> Found:
    """For `listener doctor`. `line` leads to each workspace, where there are several."""
    line, shut = line or only(client(slack)), set[str]()
    for team in sorted(slack.workspaces) if slack.oauth else [""]:
        async for name, well, told in _workspace(slack, team, line):
            yield f"{name} {team}".strip(), well, told
            if name == "link" and not well:
                shut.add("" if team == slack.workspace else team)
    for channel in dict.fromkeys(slack.channels.values()):
        team, there = parted(channel)
        if team not in shut and (wrong := await _refusal(line, team, channel=there)):
            yield f"channel {channel}", False, wrong
    for person in people:
        if parted(without(slack.workspace, person.slack))[0] not in shut and (wrong := await _person(line, person)):
            yield person.name, False, wrong


async def _workspace(slack: Slack, team: str, line: Line) -> Found:
    token = f"the token of {team}" if team else "SLACK_BOT_TOKEN"
    try:
        who = await (await line(team)).auth_test()
    except SlackApiError as error:
        code = errors.code_of(error)
        mend = "open /slack/install on the desk" if team else errors.MENDS.get(code, "try again later")
        yield "link", False, f"{token} is refused ({code}): {mend}"
        return
    except errors.NotInstalled as why:
        yield "link", False, str(why)
        return
    except errors.UNREACHABLE as error:
        yield "link", False, f"{slack.api_url} cannot be reached ({type(error).__name__})"
        return
    yield "link", True, f"signed in as {who.get('user')} in {who.get('team')}"
    granted = who.headers.get("x-oauth-scopes")
    if granted and (missing := set(SCOPES) - {scope.strip() for scope in granted.split(",")}):
        named = ", ".join(f"{scope} ({SCOPES[scope]})" for scope in sorted(missing))
        yield "scopes", False, f"the app may not {named}: {errors.MENDS['missing_scope']}"


async def installed(slack: Slack, store: Store) -> Found:
    """The workspaces the app is in, as the store has them; their tokens stay where they are."""
    for kept in await store.installations():
        told = f"{kept.name}, installed by {kept.by} on {kept.at:%Y-%m-%d}"
        if kept.team in slack.workspaces:
            yield f"workspace {kept.team}", True, told
        else:
            mend = "remove the app there, or name it in listener.toml"
            yield f"workspace {kept.team}", False, f"{told}, but nothing names this workspace: {mend}"


async def _person(line: Line, person: Person) -> str:
    if not person.slack:
        return "has no `slack` id in people.toml; what is for them is said in the brand's channel"
    team, user = parted(person.slack)
    try:
        found = await by_post(await line(team), "users.info")(user=user)
    except SlackApiError as error:
        return errors.MENDS.get(errors.code_of(error), errors.code_of(error))
    except errors.UNREACHABLE as error:
        return f"Slack cannot be reached ({type(error).__name__})"
    return judged(found.get("user") or {})


async def _refusal(line: Line, team: str, channel: str) -> str:
    """Why Slack does not show what is said in this channel, with the mend; "" when it does."""
    try:
        await by_post(await line(team), "conversations.history")(channel=channel, limit=1)
    except SlackApiError as error:
        code = errors.code_of(error)
        return f"{code}: {errors.MENDS.get(code, 'see https://docs.slack.dev for this word')}"
    except errors.UNREACHABLE as error:
        return f"Slack cannot be reached ({type(error).__name__})"
    return ""
