"""What `listener doctor` looks at: is the token taken, is everything granted, can everybody be reached?"""

from collections.abc import AsyncIterator, Awaitable, Sequence

from slack_sdk.errors import SlackApiError

from escalation.policy import Person
from escalation.slack import errors
from escalation.slack.calls import by_post
from listener.settings import Slack
from listener.slack.guests import judged
from listener.slack.office import client

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


async def examine(slack: Slack, people: Sequence[Person]) -> AsyncIterator[tuple[str, bool, str]]:
    """(what, is it well, what was found): for `listener doctor`."""
    try:
        who = await client(slack).auth_test()
    except SlackApiError as error:
        code = errors.code_of(error)
        yield "link", False, f"SLACK_BOT_TOKEN is refused ({code}): {errors.MENDS.get(code, 'try again later')}"
        return
    except errors.UNREACHABLE as error:
        yield "link", False, f"{slack.api_url} cannot be reached ({type(error).__name__})"
        return
    yield "link", True, f"signed in as {who.get('user')} in {who.get('team')}"
    granted = who.headers.get("x-oauth-scopes")
    if granted and (missing := set(SCOPES) - {scope.strip() for scope in granted.split(",")}):
        named = ", ".join(f"{scope} ({SCOPES[scope]})" for scope in sorted(missing))
        yield "scopes", False, f"the app may not {named}: {errors.MENDS['missing_scope']}"
    for channel in dict.fromkeys(slack.channels.values()):
        if wrong := await _refusal(by_post(client(slack), "conversations.history")(channel=channel, limit=1)):
            yield f"channel {channel}", False, wrong
    for person in people:
        if wrong := await _person(slack, person):
            yield person.name, False, wrong


async def _person(slack: Slack, person: Person) -> str:
    if not person.slack:
        return "has no `slack` id in people.toml; what is for them is said in the brand's channel"
    try:
        found = await by_post(client(slack), "users.info")(user=person.slack)
    except SlackApiError as error:
        return errors.MENDS.get(errors.code_of(error), errors.code_of(error))
    except errors.UNREACHABLE as error:
        return f"Slack cannot be reached ({type(error).__name__})"
    return judged(found.get("user") or {})


async def _refusal(asked: Awaitable[object]) -> str:
    """Why Slack does not answer this, with the mend; "" when it does."""
    try:
        await asked
    except SlackApiError as error:
        code = errors.code_of(error)
        return f"{code}: {errors.MENDS.get(code, 'see https://docs.slack.dev for this word')}"
    except errors.UNREACHABLE as error:
        return f"Slack cannot be reached ({type(error).__name__})"
    return ""
