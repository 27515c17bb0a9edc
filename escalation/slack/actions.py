"""What people press and fill in -> commands for the desk, or the form to open. Pure; nothing here trusts a payload."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from escalation.case import Case
from escalation.commands import (
    Accept,
    Acknowledge,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Refused,
    Reopen,
    ReportBack,
)
from escalation.events import Outcome, Result
from escalation.slack import blocks

FORMS = ("acknowledge", "report", "follow_up", "dismiss", "reopen", "decline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button, or a form that was sent: which one, of which case, by whom."""

    action: str
    case: int
    user: str  # Slack's member id
    key: str  # the same however often Slack delivers it


def pressed(body: Mapping[str, Any]) -> Press | None:
    """From a block_actions payload; None when it is not one of our buttons."""
    action = (body.get("actions") or [{}])[0]
    name, value = str(action.get("action_id", "")), str(action.get("value", ""))
    user = str((body.get("user") or {}).get("id", ""))
    if not name.startswith("case_") or not value.isdigit() or not user:
        return None
    return Press(
        action=name.removeprefix("case_"), case=int(value), user=user, key=f"{user}:{action.get('action_ts')}:{name}"
    )


def sent(body: Mapping[str, Any]) -> Press | None:
    """From a view_submission payload."""
    view = body.get("view") or {}
    name, value = str(view.get("callback_id", "")), str(view.get("private_metadata", ""))
    user = str((body.get("user") or {}).get("id", ""))
    if not name.startswith("case_") or not value.isdigit() or not user:
        return None
    return Press(
        action=name.removeprefix("case_"), case=int(value), user=user, key=f"{user}:{view.get('id')}:{view.get('hash')}"
    )


def form(action: str, case: Case, now: datetime) -> dict[str, Any] | None:
    """The form a button opens; None for a button that acts at once."""
    match action:
        case "acknowledge":
            return blocks.acknowledge_form(case, now)
        case "report":
            return blocks.report_form(case)
        case "follow_up":
            return blocks.follow_up_form(case)
        case "dismiss" | "reopen" | "decline":
            return blocks.reason_form(case, action)
        case _:
            return None


def command(action: str, by: str, values: Mapping[str, str]) -> Command:
    """Raises Refused, naming the field, when the form cannot mean anything."""
    match action:
        case "acknowledge":
            return Acknowledge(by=by, what=values.get("what", ""), due=_time(values.get("due", "")))
        case "accept":
            return Accept(by=by)
        case "decline":
            return Decline(by=by, reason=values.get("reason", ""))
        case "report":
            return ReportBack(
                by=by,
                outcome=_outcome(values.get("outcome", "")),
                done=values.get("done", ""),
                remedy=values.get("remedy", ""),
                evidence=values.get("evidence", ""),
            )
        case "follow_up":
            return FollowUp(by=by, result=_result(values.get("result", "")), note=values.get("note", ""))
        case "dismiss":
            return Dismiss(by=by, reason=values.get("reason", ""))
        case "reopen":
            return Reopen(by=by, reason=values.get("reason", ""))
        case _:
            raise Refused("this button belongs to an older version; open the newest card")


def values(body: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by field."""
    state = ((body.get("view") or {}).get("state") or {}).get("values") or {}
    return {name: _value(next(iter(inputs.values()), {})) for name, inputs in state.items() if isinstance(inputs, dict)}


def _value(element: Mapping[str, Any]) -> str:
    chosen = element.get("selected_option") or {}
    found = element.get("value") or chosen.get("value") or element.get("selected_date_time") or ""
    return str(found)


def field_of(refused: str) -> str:
    """The field under which a refusal is shown."""
    hints = {
        "future": "due",
        "apology": "done",
        "was done": "done",
        "customer got": "remedy",
        "link or reference": "evidence",
    }
    return next((name for hint, name in hints.items() if hint in refused), "")


def _time(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text.isdigit() and len(text) < 12 else None


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
