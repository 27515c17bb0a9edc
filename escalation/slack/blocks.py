"""Case -> Block Kit messages, as plain dicts. Pure.

What people outside wrote is shown as rich_text or plain_text, where nothing is markup; mrkdwn holds only our own words,
names and times, escaped. `text` tells the whole card, for screen readers read nothing else
(https://docs.slack.dev/reference/methods/chat.postMessage).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from escalation import outreach, wording
from escalation.case import Case, Status
from escalation.clean import clean, cut, escape_mrkdwn, line
from escalation.notices import Notice

Block = dict[str, Any]

QUOTED = 1_500  # characters of a post on a card; all blocks together stay far below Slack's 13,000
LONGEST_TEXT = 3_800  # chat.update refuses more than 4,000
SIGNS = {
    Status.OPEN: "🔴",
    Status.ACKNOWLEDGED: "🟡",
    Status.REPORTED: "🔵",
    Status.CLOSED: "🟢",
    Status.DISMISSED: "⚪",
}
GONE = "(the post was deleted)"


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    blocks: tuple[Block, ...]


def card(case: Case, now: datetime) -> Message:
    """The one card of a case in its brand's channel; an ended case takes two lines."""
    if case.status.ended:
        blocks = (_header(case, now), _words(_outcome(case)), *_actions(case, case.owner))
    else:
        blocks = (_header(case, now), *_body(case, now), *_actions(case, case.owner))
    return Message(escape_mrkdwn(story(case, now), LONGEST_TEXT), blocks)


def direct(case: Case | None, notice: Notice, now: datetime, aside: str = "") -> Message:
    """What one person is told, with what they can do about it. `aside` says why it is not said in private."""
    said = f"{aside} {line(notice.text, 1_000)}".strip()
    if case is None:
        return Message(escape_mrkdwn(said, LONGEST_TEXT), (_said(said),))
    blocks = (_said(said), _header(case, now), *_body(case, now), *_actions(case, notice.to))
    return Message(escape_mrkdwn(f"{said} {story(case, now)}", LONGEST_TEXT), blocks)


def plain(notice: Notice) -> Message:
    """A line under a card, or word from the house."""
    said = line(notice.text, 1_400)
    return Message(escape_mrkdwn(said, LONGEST_TEXT), (_said(said),))


def story(case: Case, now: datetime) -> str:
    """Everything a card says that matters, as sentences; not escaped."""
    about = f"Case {case.id}, possible complaint: {line(case.subject.brand, 80)}, {_judged(case)}"
    told = [
        f"{about}; {wording.state(case, now).lower()}.",
        f"Owner {line(case.owner, 80)}, {line(case.why, 120)}.",
    ]
    if due := wording.deadline(case):
        told.append(f"{due[0]} {wording.clock_time(case, due[1])}.")
    if case.promise and not case.status.ended:
        told.append(f"Promised: {line(case.promise.what, 200)}.")
    if case.offer:
        told.append(f"Offered to {line(case.offer.to, 80)}.")
    told.append(_outcome(case) if case.status.ended or case.report else f"{_by(case)}: “{_quote(case, 500)}”")
    return " ".join(told)


def _judged(case: Case) -> str:
    return f"{line(case.subject.priority, 10)}, severity {case.subject.severity} of 100"


def _by(case: Case) -> str:
    if case.incident:
        return f"An incident: {case.customers} customers, each with a case of their own"
    author, site = line(case.subject.author, 80) or "Somebody", line(case.subject.site, 80)
    return f"{author} on {site}" if site else author


def _quote(case: Case, longest: int) -> str:
    title, text = line(case.subject.title, 200), clean(case.subject.text)
    return cut(f"{title}\n{text}".strip() or GONE, longest)


def _outcome(case: Case) -> str:
    if case.report is None:
        return f"{case.status.capitalize()}; {line(case.owner, 80)} had it."
    report = case.report
    said = f"{line(report.by, 80)} reported back, {report.outcome}: {line(report.done, 500)}"
    return f"{said} Customer got: {line(report.remedy, 300)}. Evidence: {line(report.evidence, 300)}"


def _header(case: Case, now: datetime) -> Block:
    about = f"{line(case.subject.brand, 40)} · {line(case.subject.priority, 10)} · case {case.id}"
    return {"type": "header", "text": _plain(f"{SIGNS[case.status]} {wording.state(case, now)} · {about}")}


def _body(case: Case, now: datetime) -> Iterator[Block]:
    yield {"type": "rich_text", "elements": [_quoted(case), *_commitments(case)]}
    yield {"type": "section", "fields": list(_facts(case, now))}
    context = [_plain(_by(case))]
    if why := wording.why_severity(case, 600):
        context.append(_plain(f"Why {case.subject.severity}: {why}"))
    if not case.incident:
        context.append(_plain(outreach.allowed(case.subject.site)))
    yield {"type": "context", "elements": context}


def _quoted(case: Case) -> Block:
    return {"type": "rich_text_quote", "elements": [{"type": "text", "text": _quote(case, QUOTED)}]}


def _commitments(case: Case) -> Iterator[Block]:
    """What our own people said, which may quote the customer: literal too."""
    if case.subject.proposal and not case.report:
        yield _labelled("Proposed: ", line(case.subject.proposal, 400))
    if case.promise:
        yield _labelled("Promised: ", line(case.promise.what, 300))
    if case.offer:
        note = f" ({line(case.offer.note, 300)})" if case.offer.note else ""
        yield _labelled("Offered to: ", f"{line(case.offer.to, 100)}{note}")
    if case.report:
        yield _labelled("Outcome: ", _outcome(case))


def _labelled(label: str, text: str) -> Block:
    bold = {"type": "text", "text": label, "style": {"bold": True}}
    return {"type": "rich_text_section", "elements": [bold, {"type": "text", "text": text or "-"}]}


def _words(text: str) -> Block:
    """Rich text in every state of the card: Slack refuses to replace it by anything else."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def _facts(case: Case, now: datetime) -> Iterator[Block]:
    yield _fact("Owner", escape_mrkdwn(f"{line(case.owner, 100)}\n{line(case.why, 200)}", 500))
    if due := wording.deadline(case):
        late = " (overdue)" if wording.overdue(case, now) else ""
        yield _fact(due[0], f"{date_token(due[1])}{late}")
    yield _fact("How bad", escape_mrkdwn(_judged(case), 500))
    yield _fact("Customer waits since", date_token(case.subject.since))
    if len(case.posts) > 1:
        yield _fact("Posts", str(len(case.posts)))


def _fact(name: str, mrkdwn: str) -> Block:
    return {"type": "mrkdwn", "text": f"*{name}*\n{mrkdwn}", "verbatim": True}


def date_token(at: datetime) -> str:
    """Each reader sees their own time (https://docs.slack.dev/messaging/formatting-message-text#date-formatting)."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def _said(text: str) -> Block:
    return {"type": "section", "text": _plain(text)}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _actions(case: Case, to: str) -> Iterator[Block]:
    """The buttons that make sense for whom this is shown to; at most five."""
    buttons = [_button(case, name, label, main=not place) for place, (name, label) in enumerate(_choices(case, to))]
    if link := web_address(case.subject.url):
        label = cut(f"Open on {urlsplit(link).hostname}", 75)
        buttons.append({**_button(case, "open", label), "url": link})
    if buttons:
        yield {"type": "actions", "elements": buttons}


def _choices(case: Case, to: str) -> list[tuple[str, str]]:
    if case.offer and case.offer.reaches(to):
        return [("accept", "Accept"), ("decline", "Decline")]
    if case.status.ended:
        return [("reopen", "Reopen")]
    if case.status is Status.OPEN:
        return [("acknowledge", "Acknowledge"), ("dismiss", "Not a complaint")]
    if to != case.owner:
        return []
    if case.status is Status.REPORTED:
        return [("follow_up", "Say if it helped"), ("handover", "Hand over")]
    return [
        ("report", "Report back"),
        ("promise", "Move promise" if case.promise else "Promise"),
        ("handover", "Hand over"),
        ("dismiss", "Not a complaint"),
    ]


def _button(case: Case, name: str, label: str, *, main: bool = False) -> Block:
    button = {"type": "button", "action_id": f"case_{name}", "value": str(case.id), "text": _plain(label)}
    return {**button, "style": "primary"} if main else button


def web_address(url: str) -> str:
    """The address as a button may carry it, its host spelt in ASCII so that it cannot pose as another; or ""."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = f":{parts.port}" if parts.port else ""
        rest = quote(parts._replace(scheme="", netloc="").geturl(), safe="/?#[]@!$&'()*+,;=:%~")
    except ValueError:  # not an address at all, a host or a port that cannot be
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    link = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{rest}"
    return link if len(link) <= 3_000 else ""
