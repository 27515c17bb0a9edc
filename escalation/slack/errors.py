"""What Slack's refusals mean for a delivery: wait a little, or somebody has to mend something.

https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from datetime import datetime, timedelta

import aiohttp
from slack_sdk.errors import SlackApiError

from escalation.courier import Undelivered

SOON = timedelta(seconds=5)
LATE = timedelta(minutes=5)  # the longest back-off while Slack is in trouble
AFTER_MENDING = timedelta(minutes=10)
LONGEST_PAUSE = 3_600  # seconds; of a Retry-After

# slack_sdk lets these through, the last one for an answer of plain text, as a proxy or a login page gives it.
UNREACHABLE = (aiohttp.ClientError, TimeoutError, OSError, AttributeError)

GONE = "message_not_found"
FRESH_CARD = frozenset(("edit_window_closed", GONE, "cant_update_message", "block_mismatch"))
UNSHOWABLE = frozenset(("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"))
TROUBLE = frozenset(("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"))

_INVITE = "invite the app: type /invite @Listening Post in that channel"
_PERSON = "check this person's `slack` id in people.toml; it is the member id from their profile"
_TOKEN = "copy SLACK_BOT_TOKEN again from the app's page under OAuth & Permissions"
_REINSTALL = "paste config/slack-manifest.yaml into the app's manifest and install it again"
MENDS = {
    "not_in_channel": _INVITE,
    "channel_not_found": f"check the channel's id under [slack] in listener.toml, then {_INVITE}",
    "is_archived": "the channel is archived; name another one under [slack] in listener.toml",
    "restricted_action": "the channel's settings do not let the app post; ask who runs the workspace",
    "user_not_found": _PERSON,
    "user_not_visible": _PERSON,
    "user_disabled": _PERSON,
    "cannot_dm_bot": _PERSON,
    "not_authed": _TOKEN,
    "invalid_auth": _TOKEN,
    "token_revoked": _REINSTALL,
    "token_expired": _REINSTALL,
    "account_inactive": _REINSTALL,
    "missing_scope": _REINSTALL,
    "no_permission": _REINSTALL,
}


class NotInstalled(ConnectionError):
    """There is no way into that workspace: the app is not installed there, or its token cannot be read."""


class SlackRefused(Undelivered):
    """Slack said no; `code` is its own word for why."""

    mend = True

    def __init__(self, code: str, message: str, *, retry: datetime):
        super().__init__(message, retry=retry)
        self.code = code


def code_of(error: SlackApiError) -> str:
    """Slack's word for what is wrong; "" when the answer was not JSON."""
    data = getattr(error.response, "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def status_of(error: SlackApiError) -> int:
    response = error.response
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0))


def asked_pause(error: SlackApiError) -> timedelta | None:
    """How long Slack asks us to be quiet; None when it does not."""
    if status_of(error) != 429 and code_of(error) not in ("ratelimited", "rate_limited"):
        return None
    seconds = str(error.response.headers.get("Retry-After", ""))
    return timedelta(seconds=min(int(seconds), LONGEST_PAUSE) if seconds.isdecimal() else 30)


def in_trouble(error: SlackApiError) -> bool:
    """Slack's own fault: trying again soon may help."""
    return status_of(error) >= 500 or not code_of(error) or code_of(error) in TROUBLE


def back_off(failures: int) -> timedelta:
    return min(SOON * (1 << min(failures - 1, 10)), LATE)


def refused(code: str, where: str, now: datetime) -> SlackRefused:
    mend = MENDS.get(code, "see https://docs.slack.dev for this word, or run `listener doctor`")
    return SlackRefused(code, f"Slack refuses it for {where} ({code}): {mend}", retry=now + AFTER_MENDING)


def not_installed(why: str, now: datetime) -> SlackRefused:
    return SlackRefused("not_installed", why, retry=now + AFTER_MENDING)
