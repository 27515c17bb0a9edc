"""What people press and fill in -> what they ask of the desk. Pure; nothing here trusts a payload.

https://docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from escalation.commands import (
    Accept,
    Acknowledge,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Refused,
    Reopen,
    ReportBack,
)
from escalation.events import Outcome, Result

PREFIX = "case_"

# Words of a refusal -> the field it speaks of.
FIELDS = {
    "in the future": "due",
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
    "already": "to",
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
    when = _said(body, "actions", 0, "action_ts") or _said(body, "trigger_id")
    return _press(body, name, value, f"{when}:{name}:{value}")


def sent(body: Mapping[str, Any]) -> Press | None:
    """From a view_submission payload; None when it is not one of our forms."""
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


def values(body: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by field."""
    state = _at(body, "view", "state", "values")
    if not isinstance(state, Mapping):
        return {}
    return {str(name): _value(_at(state, name, "value")) for name in state}


def _value(element: Any) -> str:
    return _said(element, "value") or _said(element, "selected_option", "value") or _said(element, "selected_date_time")


def command(action: str, by: str, given: Mapping[str, str]) -> Command:
    """What `by` asks for; `given` is what was filled in. Raises Refused when it cannot mean anything."""
    reason, note, what = given.get("reason", ""), given.get("note", ""), given.get("what", "")
    match action:
        case "acknowledge":
            return Acknowledge(by=by, what=what, due=_time(given.get("due", "")))
        case "promise":
            due = _time(given.get("due", ""))
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
        case _:
            raise Refused("this button is not known any more; use the newest card of the case")


def field_of(refusal: str, given: Mapping[str, str]) -> str:
    """The field of the form that a refusal speaks of; "" when it speaks of the whole case."""
    return next((field for words, field in FIELDS.items() if words in refusal and field in given), "")


def _report(by: str, given: Mapping[str, str]) -> ReportBack:
    return ReportBack(
        by=by,
        outcome=_outcome(given.get("outcome", "")),
        done=given.get("done", ""),
        remedy=given.get("remedy", ""),
        evidence=given.get("evidence", ""),
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


def _time(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if _is_number(text) and len(text) <= 11 else None


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
