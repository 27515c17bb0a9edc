"""The forms that buttons open, as modal views. Pure. Field names are those that actions.py reads."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from escalation.case import Case
from escalation.clean import line
from escalation.events import Outcome, Result

View = dict[str, Any]

LONGEST_PROPOSAL = timedelta(days=30)


def form(action: str, case: Case, names: Iterable[str], now: datetime) -> View | None:
    """The form that a button opens; None for a button that acts at once. `names` are who a case can be handed to."""
    match action:
        case "acknowledge":
            return acknowledge(case, now)
        case "promise":
            return promise(case, now)
        case "handover":
            return handover(case, names)
        case "report":
            return report(case)
        case "follow_up":
            return follow_up(case)
        case "dismiss":
            return _form(case, "dismiss", "Not a complaint", "Dismiss", _field("reason", "Why does it need nothing?"))
        case "reopen":
            return _form(case, "reopen", "Open it again", "Reopen", _field("reason", "Why must it be opened again?"))
        case "decline":
            return _form(case, "decline", "Decline", "Decline", _field("reason", "Why not?", optional=True))
        case _:
            return None


def acknowledge(case: Case, now: datetime) -> View:
    what = _field("what", "What do you promise the customer?", _words(example="call her back"), optional=True)
    return _form(case, "acknowledge", "Take this case", "Take it", what, _field("due", "By when?", _time(case, now)))


def promise(case: Case, now: datetime) -> View:
    fields = [
        _field("what", "What do you promise the customer?", _words(case.promise.what if case.promise else "")),
        _field("due", "By when?", _time(case, now)),
    ]
    if case.promise:
        fields.append(_field("reason", "Why does the promise move?"))
    return _form(case, "promise", "Promise", "Promise it", *fields)


def handover(case: Case, names: Iterable[str]) -> View:
    others = [name for name in names if name != case.owner]
    return _form(
        case,
        "handover",
        "Hand over",
        "Offer it",
        _field("to", "Who should take it over?", _choice(others or [case.owner])),
        _field("note", "What should they know?", _words(multiline=True), optional=True),
    )


def report(case: Case) -> View:
    return _form(
        case,
        "report",
        "Report back",
        "Report back",
        _field("outcome", "What became of it?", _choice([one.value for one in Outcome])),
        _field("done", "What was done for the customer?", _words(multiline=True)),
        _field("remedy", "What did they get, or why nothing?", _words()),
        _field("evidence", "A link or reference that shows it", _words()),
    )


def follow_up(case: Case) -> View:
    return _form(
        case,
        "follow_up",
        "Did it help?",
        "Save",
        _field("result", "What did you find in the thread?", _choice([one.value for one in Result])),
        _field("note", "Note", _words(multiline=True), optional=True),
    )


def told(text: str) -> View:
    """A calm word in place of a form."""
    section = {"type": "section", "text": _plain(line(text, 2_900))}
    return {"type": "modal", "title": _plain("Listening Post"), "close": _plain("Close"), "blocks": [section]}


def _form(case: Case, action: str, title: str, submit: str, *fields: View) -> View:
    about = f"Case {case.id}, {line(case.subject.brand, 80)}: {line(case.subject.title or case.subject.text, 120)}"
    return {
        "type": "modal",
        "callback_id": f"case_{action}",
        "private_metadata": str(case.id),
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "blocks": [{"type": "context", "elements": [_plain(about)]}, *fields],
    }


def _field(name: str, label: str, element: View | None = None, *, optional: bool = False) -> View:
    asked = {**(element or _words(multiline=True)), "action_id": "value"}
    return {"type": "input", "block_id": name, "optional": optional, "label": _plain(label), "element": asked}


def _words(initial: str = "", *, multiline: bool = False, example: str = "") -> View:
    element: View = {"type": "plain_text_input", "multiline": multiline, "max_length": 2_000}
    element |= {"initial_value": line(initial, 2_000)} if initial else {}
    return element | ({"placeholder": _plain(example)} if example else {})


def _time(case: Case, now: datetime) -> View:
    proposed = now + min(case.policy.report, LONGEST_PROPOSAL)
    return {"type": "datetimepicker", "initial_date_time": int(proposed.timestamp())}


def _choice(values: list[str]) -> View:
    options = [{"text": _plain(line(value, 75)), "value": value} for value in values if len(value) <= 150]
    return {"type": "static_select", "options": options[:100]}


def _plain(text: str) -> View:
    return {"type": "plain_text", "text": text, "emoji": False}
