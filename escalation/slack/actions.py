"""What people press and fill in -> what they ask of the desk. Pure; nothing here trusts a payload.

https://docs.slack.dev/reference/interaction-payloads
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from escalation.commands import (
    Accept,
    Acknowledge,
    Answer,
    AskForHelp,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Note,
    Rate,
    Refused,
    Reopen,
    ReportBack,
    Snooze,
    Statement,
    UndoDismiss,
    compensation,
)
from escalation.events import Outcome, Rating, Result

PREFIX = "case_"
MORE = "case_more"  # the menu of a card: its options say "note 12"

# Words of a refusal -> the field it speaks of; the first that the form has.
FIELDS = {
    "in the future": "due until follow_up",
    "too far away": "due until follow_up",
    "but you is there": "to",
    "before that time": "due until",
    "until when": "due until",
    "next reader": "text",
    "need help": "text",
    "compensation": "gave",
    "root cause": "root_cause",
    "said to the customers": "text",
    "words of the customer": "text",
    "is not a brand": "brand",
    "begins with https": "url",
    "a priority from the list": "priority",
    "what you promise": "what",
    "why the promise moves": "reason",
    "apology": "done",
    "what was done": "done",
    "the customer got": "remedy",
    "link or reference": "evidence",
    "needs nothing": "reason",
    "opened again": "reason",
    "what became of it": "outcome",
    "what you found": "result",
    "already": "to into",
    "joined": "into post",
    "not there any more": "post",
    "from the list": "to",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button, or a form that was sent: which one, of which case, by whom."""

    action: str
    case: int
    user: str  # Slack's member id
    key: str  # the same however often Slack delivers it


def pressed(body: Mapping[str, Any]) -> Press | None:
    """From a block_actions payload; None when it is not one of our buttons."""
    name, value = _said(body, "actions", 0, "action_id"), _said(body, "actions", 0, "value")
    if name == MORE:
        chosen, _, value = _said(body, "actions", 0, "selected_option", "value").partition(" ")
        name = PREFIX + chosen
    when = _said(body, "actions", 0, "action_ts") or _said(body, "trigger_id")
    return _press(body, name, value, f"{when}:{name}:{value}")


def sent(body: Mapping[str, Any]) -> Press | None:
    """From anything that carries one of our forms: sent, closed, typed into; None when it carries none."""
    name, value = _said(body, "view", "callback_id"), _said(body, "view", "private_metadata")
    return _press(body, name, value, f"{_said(body, 'view', 'id')}:{_said(body, 'view', 'hash')}")


def _press(body: Mapping[str, Any], name: str, case: str, key: str) -> Press | None:
    user = _said(body, "user", "id")
    if not name.startswith(PREFIX) or not user or not _is_number(case):
        return None
    return Press(action=name.removeprefix(PREFIX), case=int(case), user=user, key=f"{user}:{key}")


def place(body: Mapping[str, Any]) -> tuple[str, str]:
    """(channel, thread) where a button was pressed: where an answer for that person's eyes belongs."""
    channel = _said(body, "channel", "id") or _said(body, "container", "channel_id")
    return channel, _said(body, "container", "thread_ts")


def who(body: Mapping[str, Any]) -> str:
    """The member id of who did this, whatever it was: pressed, sent, typed, or told as an event."""
    return _said(body, "user", "id") or _said(body, "user_id") or _said(body, "event", "user")


def their_team(body: Mapping[str, Any]) -> str:
    """The workspace of who did this, as far as Slack says it."""
    return _said(body, "user", "team_id") or _said(body, "team", "id") or _said(body, "team_id")


def team(body: Mapping[str, Any]) -> str:
    """The workspace where this was done: it can be answered with the token of that one.
    https://docs.slack.dev/apis/events-api#authorizations"""
    return (
        _said(body, "authorizations", 0, "team_id")
        or _said(body, "view", "app_installed_team_id")
        or _said(body, "team", "id")
        or _said(body, "team_id")
    )


def values(body: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by field."""
    state = _at(body, "view", "state", "values")
    if not isinstance(state, Mapping):
        return {}
    return {str(name): _value(_at(state, name, "value")) for name in state}


def trigger(body: Mapping[str, Any]) -> str:
    """What Slack wants back within three seconds for opening a form."""
    return _said(body, "trigger_id")


def in_form(body: Mapping[str, Any]) -> bool:
    """Was it pressed in a form, where another can only be put on top?"""
    return _said(body, "view", "type") == "modal"


def words(body: Mapping[str, Any], *path: str | int) -> str:
    """The text at this place of any payload; "" when there is none."""
    return _said(body, *path)


def _value(element: Any) -> str:
    return _said(element, "value") or _said(element, "selected_option", "value") or _said(element, "selected_date_time")


def command(action: str, by: str, given: Mapping[str, str]) -> Command:
    """What `by` asks for; `given` is what was filled in. Raises Refused when it cannot mean anything."""
    reason, note, what = given.get("reason", ""), given.get("note", ""), given.get("what", "")
    match action:
        case "acknowledge":
            return Acknowledge(by=by, what=what, due=moment(given.get("due", "")))
        case "promise":
            due = moment(given.get("due", ""))
            if due is None:
                raise Refused("pick a time in the future")
            return MakePromise(by=by, what=what, due=due, reason=reason)
        case "handover":
            return Handover(by=by, to=given.get("to", ""), note=note)
        case "accept":
            return Accept(by=by)
        case "decline":
            return Decline(by=by, reason=reason)
        case "report":
            return _report(by, given)
        case "follow_up":
            return FollowUp(by=by, result=_result(given.get("result", "")), note=note)
        case "dismiss":
            return Dismiss(by=by, reason=reason)
        case "reopen":
            return Reopen(by=by, reason=reason)
        case "undo":
            return UndoDismiss(by=by)
        case "note":
            return Note(by=by, text=given.get("text", ""))
        case "help":
            return AskForHelp(by=by, text=given.get("text", ""))
        case "answered":
            return Answer(by=by, url=given.get("url", ""))
        case Rating.WORSE | Rating.RIGHT | Rating.MILDER:
            return Rate(by=by, rating=Rating(action))
        case "statement":
            return Statement(by=by, text=given.get("text", ""))
        case "snooze":
            until = moment(given.get("due", "")) or moment(given.get("until", ""))
            if until is None:
                raise Refused("say until when")
            return Snooze(by=by, until=until)
        case _:
            raise Refused("this button is not known any more; use the newest card of the case")


def field_of(refusal: str, given: Mapping[str, str]) -> str:
    """The field of the form that a refusal speaks of; "" when it speaks of the whole case."""
    meant = (field for words, fields in FIELDS.items() if words in refusal for field in fields.split())
    return next((field for field in meant if field in given), "")


def _report(by: str, given: Mapping[str, str]) -> ReportBack:
    return ReportBack(
        by=by,
        outcome=_outcome(given.get("outcome", "")),
        done=given.get("done", ""),
        remedy=given.get("remedy", ""),
        evidence=given.get("evidence", ""),
        follow_up=moment(given.get("follow_up", "")),
        contacted=given.get("contacted", ""),
        compensation=compensation(given.get("gave", "")),
        root_cause=given.get("root_cause", ""),
    )


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError:
        raise Refused("say what became of it") from None


def _result(text: str) -> Result:
    try:
        return Result(text)
    except ValueError:
        raise Refused("say what you found") from None


def number(text: str) -> int:
    """A case's number; 0, which no case has, for anything else."""
    return int(text) if _is_number(text) else 0


def moment(text: str) -> datetime | None:
    """As Slack gives a time, in seconds; None for anything else."""
    return datetime.fromtimestamp(int(text), UTC) if _is_number(text) and len(text) <= 11 else None


# What people write in Slack reaches us with its markup: <https://x.example|words>, <@U123>, &amp;.
_LINK = re.compile(r"<((?:https?|mailto):[^|>]*)(?:\|[^>]*)?>")
_MARK = re.compile(r"<([@#!])[^|>]*(?:\|([^>]*))?>")
_ESCAPED = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def plain_words(text: str) -> str:
    """As its writer saw it. https://docs.slack.dev/messaging/formatting-message-text"""
    shown = _MARK.sub(lambda found: f"{found[1] if found[1] != '!' else '@'}{found[2] or ''}", _LINK.sub(r"\1", text))
    return re.sub("&(?:lt|gt|amp);", lambda found: _ESCAPED[found[0]], shown)


def first_link(text: str) -> str:
    found = re.search(r"https?://[^\s<>|]+", text)
    return found[0].rstrip(".,;)") if found else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _said(body: Any, *path: str | int) -> str:
    """The text (or whole number) at this place of a payload; "" when there is none."""
    found = _at(body, *path)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _at(body: Any, *path: str | int) -> Any:
    for step in path:
        if isinstance(step, int):
            body = body[step] if isinstance(body, list) and len(body) > step else None
        else:
            body = body.get(step) if isinstance(body, Mapping) else None
    return body
