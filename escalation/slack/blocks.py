"""Case -> Block Kit, as plain dicts. Pure.

What a stranger wrote is shown as rich_text, where nothing is markup; everything else of theirs is cleaned, cut, then
escaped. `text` tells the whole card, for screen readers read nothing else
(https://docs.slack.dev/reference/methods/chat.postMessage).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from escalation.case import Case, Status
from escalation.clean import clean, cut, escaped, line
from escalation.events import Outcome, Result
from escalation.notices import Notice

Block = dict[str, Any]

QUOTED = 1_500  # characters of a post on a card
LONGEST_TEXT = 3_800  # chat.update refuses more than 4,000
SIGNS = {
    Status.OPEN: "🔴 New",
    Status.ACKNOWLEDGED: "🟡 Acknowledged",
    Status.REPORTED: "🔵 Reported back",
    Status.CLOSED: "🟢 Closed",
    Status.DISMISSED: "⚪ Dismissed",
}


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    blocks: tuple[Block, ...]


def card(case: Case, now: datetime) -> Message:
    """The one card of a case in its brand's channel."""
    if case.status.ended:
        return Message(_story(case, now), (_header(case), *_facts(case, now), *_buttons(case)))
    return Message(_story(case, now), (_header(case), _quote(case), *_facts(case, now), *_buttons(case)))


def direct(notice: Notice, case: Case | None, now: datetime) -> Message:
    """What one person is told, with what they can do about it."""
    said = cut(escaped(line(notice.text, 1_000)), 2_900)
    blocks: list[Block] = [{"type": "section", "text": {"type": "mrkdwn", "text": said, "verbatim": True}}]
    if case is None:
        return Message(said, tuple(blocks))
    blocks += [_header(case), _quote(case), *_facts(case, now), *_buttons(case, to=notice.to)]
    return Message(cut(f"{said} {_story(case, now)}", LONGEST_TEXT), tuple(blocks))


def thread(notice: Notice) -> Message:
    said = cut(escaped(line(notice.text, 2_000)), 2_900)
    return Message(said, ({"type": "section", "text": {"type": "mrkdwn", "text": said, "verbatim": True}},))


def _story(case: Case, now: datetime) -> str:
    subject = case.subject
    due = f" Due {due_token(case.due)}." if case.due else ""
    promise = f" Promise: {line(case.promise.what, 200)}." if case.promise else ""
    report = f" Outcome: {case.report.outcome}, {line(case.report.done, 300)}." if case.report else ""
    judged = f"{subject.priority}, severity {subject.severity}"
    said = f"Case {case.id}, possible complaint: {line(subject.brand, 80)}, {judged}."
    state = f" {case.status}, owner {line(case.owner, 80)}.{escaped(promise)}{escaped(report)}"
    quote = f" “{escaped(line(subject.text, 600))}”" if subject.text and not case.status.ended else ""
    return cut(f"{escaped(said)}{state}{due}{quote}", LONGEST_TEXT)


def _header(case: Case) -> Block:
    subject = case.subject
    text = f"{SIGNS[case.status]} · {line(subject.brand, 60)} · {subject.priority} · case {case.id}"
    return {"type": "header", "text": {"type": "plain_text", "text": cut(text, 150), "emoji": False}}


def _quote(case: Case) -> Block:
    subject = case.subject
    said = cut(clean(f"{subject.title}\n{subject.text}" if subject.title else subject.text), QUOTED)
    element = {"type": "text", "text": said or "(the post was deleted)"}
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [element]}]}


def _facts(case: Case, now: datetime) -> Iterator[Block]:
    fields = [_field("Owner", line(case.owner, 100)), _field("Severity", f"{case.subject.severity} of 100")]
    if case.due:
        late = " (overdue)" if case.due <= now else ""
        fields.append(_field("Due", f"{due_token(case.due)}{late}", escape=False))
    if case.promise:
        fields.append(_field("Promise", line(case.promise.what, 300) + (" (missed)" if case.promise.missed else "")))
    if case.offer:
        fields.append(_field("Offered to", line(case.offer.to, 100)))
    if case.subject.author:
        fields.append(_field("Author", line(case.subject.author, 100)))
    if case.report:
        fields.append(_field("Outcome", f"{case.report.outcome}: {line(case.report.done, 500)}"))
        fields.append(_field("Remedy", line(case.report.remedy, 300)))
    yield {"type": "section", "fields": fields[:10]}
    if why := _why(case):
        yield {"type": "context", "elements": [{"type": "mrkdwn", "text": why, "verbatim": True}]}


def _why(case: Case) -> str:
    reasons = [
        f"{line(reason.factor, 40)} {reason.points:+.0f}" + (f" “{line(reason.words, 60)}”" if reason.words else "")
        for reason in case.subject.reasons[:8]
    ]
    return cut(f"Why: {escaped(', '.join(reasons))}", 2_000) if reasons else ""


def _field(name: str, value: str, *, escape: bool = True) -> Block:
    shown = cut(escaped(value), 1_900) if escape else value
    return {"type": "mrkdwn", "text": f"*{name}*\n{shown or '-'}", "verbatim": True}


def due_token(due: datetime) -> str:
    """Each reader sees their own time (https://docs.slack.dev/messaging/formatting-message-text#date-formatting)."""
    return f"<!date^{int(due.timestamp())}^{{date_short_pretty}} at {{time}}|{due:%Y-%m-%d %H:%M} UTC>"


def _buttons(case: Case, to: str = "") -> Iterator[Block]:
    buttons: list[Block] = []
    if case.offer and to == case.offer.to:
        buttons += [_button("Accept", "accept", case, style="primary"), _button("Decline", "decline", case)]
    match case.status:
        case Status.OPEN:
            buttons += [
                _button("Acknowledge", "acknowledge", case, style="primary"),
                _button("Report back", "report", case),
                _button("Not a complaint", "dismiss", case),
            ]
        case Status.ACKNOWLEDGED:
            buttons += [_button("Report back", "report", case, style="primary")]
        case Status.REPORTED:
            buttons += [_button("Follow up", "follow_up", case, style="primary")]
        case Status.CLOSED | Status.DISMISSED:
            buttons += [_button("Reopen", "reopen", case)]
    if link := web_address(case.subject.url):
        host = urlsplit(link).hostname or "the web"
        buttons.append(_button(cut(f"Open on {host}", 75), "open", case, url=link))
    yield {"type": "actions", "elements": buttons[:5]}


def _button(label: str, action: str, case: Case, *, style: str = "", url: str = "") -> Block:
    button: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": label, "emoji": False},
        "action_id": f"case_{action}",
        "value": str(case.id),
    }
    return button | ({"style": style} if style else {}) | ({"url": url} if url else {})


def web_address(url: str) -> str:
    """An address a button may carry, or ""."""
    if not url.startswith(("http://", "https://")) or len(url) > 3_000 or clean(url) != url:
        return ""
    return url


def acknowledge_form(case: Case, now: datetime) -> Block:
    until = min(case.policy.report, timedelta(days=30))
    return _form(
        case,
        "acknowledge",
        "Take this case",
        "Take it",
        _input("what", "What do you promise the customer?", _text(placeholder="call her back"), optional=True),
        _input("due", "By when?", {"type": "datetimepicker", "initial_date_time": int((now + until).timestamp())}),
    )


def report_form(case: Case) -> Block:
    return _form(
        case,
        "report",
        "Report back",
        "Report back",
        _input("outcome", "What became of it?", _select(Outcome)),
        _input("done", "What was done for the customer?", _text(multiline=True)),
        _input("remedy", "What did they get, or why nothing?", _text()),
        _input("evidence", "A link or reference that shows it", _text()),
    )


def follow_up_form(case: Case) -> Block:
    return _form(
        case,
        "follow_up",
        "Did it help?",
        "Save",
        _input("result", "What did you find?", _select(Result)),
        _input("note", "Note", _text(multiline=True), optional=True),
    )


def reason_form(case: Case, action: str) -> Block:
    title = {"dismiss": "Not a complaint", "reopen": "Open it again", "decline": "Decline"}[action]
    return _form(case, action, title, "Save", _input("reason", "Why?", _text(multiline=True)))


def _form(case: Case, action: str, title: str, submit: str, *blocks: Block) -> Block:
    about = escaped(f"Case {case.id}: {line(case.subject.title or case.subject.text, 120)}")
    return {
        "type": "modal",
        "callback_id": f"case_{action}",
        "private_metadata": str(case.id),
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": submit},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": about, "verbatim": True}]}, *blocks],
    }


def _input(name: str, label: str, element: Block, *, optional: bool = False) -> Block:
    return {
        "type": "input",
        "block_id": name,
        "optional": optional,
        "label": {"type": "plain_text", "text": label},
        "element": {**element, "action_id": "value"},
    }


def _text(*, multiline: bool = False, placeholder: str = "") -> Block:
    element: Block = {"type": "plain_text_input", "multiline": multiline, "max_length": 2_000}
    return element | ({"placeholder": {"type": "plain_text", "text": placeholder}} if placeholder else {})


def _select(choices: type[Outcome] | type[Result]) -> Block:
    options = [{"text": {"type": "plain_text", "text": one.value}, "value": one.value} for one in choices]
    return {"type": "static_select", "options": options}
