"""Case -> Block Kit messages, as plain dicts. Pure.

What people outside wrote is shown as rich_text or plain_text, where nothing is markup; mrkdwn holds only our own words,
names and times, escaped. `text` tells the whole card, for screen readers read nothing else
(https://docs.slack.dev/reference/methods/chat.postMessage).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from escalation import outreach, wording
from escalation.background import NOTHING_KNOWN, Background, history, spread
from escalation.case import Case, Status
from escalation.clean import clean, cut, escape_mrkdwn, line
from escalation.notices import Notice
from escalation.slack import parts
from escalation.slack.buttons import actions, answer
from escalation.slack.parts import Block, date_token, fact, labelled

QUOTED = 1_500  # characters of a post on a card
LONGEST_BLOCKS = 12_500  # characters of all blocks of a message; Slack has refused 13,200
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


def card(case: Case, now: datetime, known: Background = NOTHING_KNOWN) -> Message:
    """The one card of a case in its brand's channel; an ended case takes two lines."""
    return Message(escape_mrkdwn(story(case, now), LONGEST_TEXT), _fitted(_drawn(case, case.owner, now, known)))


def direct(
    case: Case | None, notice: Notice, now: datetime, known: Background = NOTHING_KNOWN, aside: str = ""
) -> Message:
    """What one person is told, with what they can do about it. `aside` says why it is not said in private."""
    if case is None:  # word of no case, or of several: a list keeps its lines
        said = cut(f"{line(aside, 300)} {clean(notice.text)}".strip(), 2_900)
        return Message(escape_mrkdwn(said, LONGEST_TEXT), (parts.said(said),))
    said = f"{line(aside, 300)} {line(notice.text, 1_000)}".strip()
    blocks = _fitted((parts.said(said), _header(case, now), *_body(case, now, known), *actions(case, notice.to, now)))
    return Message(escape_mrkdwn(f"{said} {story(case, now)}", LONGEST_TEXT), blocks)


def plain(notice: Notice) -> Message:
    """A line under a card, or word from the house."""
    said = line(notice.text, 1_400)
    return Message(escape_mrkdwn(said, LONGEST_TEXT), (parts.said(said),))


def showing(case: Case, to: str, now: datetime, known: Background = NOTHING_KNOWN) -> Block:
    """The card as a view, for who looks at it from the Home tab or by a command."""
    title, close = parts.plain(f"Case {case.id}"), parts.plain("Close")
    return {"type": "modal", "title": title, "close": close, "blocks": list(_drawn(case, to, now, known))}


def _fitted(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Slack counts all of a message's blocks together; where they are too long, less of the post is quoted."""
    drawn = tuple(blocks)
    over = len(json.dumps(drawn, ensure_ascii=False)) - LONGEST_BLOCKS
    return drawn if over <= 0 else tuple(_quoting_less(block, over) for block in drawn)


def _quoting_less(block: Block, less: int) -> Block:
    match block:
        case {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [{"text": said}]}, *others]}:
            return {**block, "elements": [_quoted(cut(said, max(200, len(said) - less))), *others]}
        case _:
            return block


def unfolded(case: Case, now: datetime) -> list[Block]:
    """A shared link to the case, for everybody in that channel: how it stands, and nothing of what was written."""
    show = parts.button("case_show", str(case.id), "Open")
    return [_header(case, now), {"type": "section", "fields": list(_facts(case, now))}, parts.row([show])]


def _drawn(case: Case, to: str, now: datetime, known: Background) -> Iterator[Block]:
    yield _header(case, now)
    if case.status.ended:
        yield parts.words(_outcome(case))
    else:
        yield from _body(case, now, known)
    yield from actions(case, to, now)


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
    if case.coordinated:
        told.append(f"Looks coordinated: {wording.coordinated(case)}.")
    if case.reply and not case.answered and not case.status.ended and not case.spoken_for:
        told.append(f"An answer in public is owed by {wording.clock_time(case, case.reply.due)}.")
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
    return parts.heading(f"{SIGNS[case.status]} {wording.state(case, now)} · {about}")


def _body(case: Case, now: datetime, known: Background) -> Iterator[Block]:
    yield {"type": "rich_text", "elements": [_quoted(_quote(case, QUOTED)), *_commitments(case, known)]}
    facts: Block = {"type": "section", "fields": list(_facts(case, now))}
    yield {**facts, "accessory": way} if (way := answer(case)) else facts
    about = [_by(case), *filter(None, (spread(known), history(known)))]
    yield parts.context(*about, *_explained(case))
    if known.similar:
        yield parts.context(*(line(one, 250) for one in known.similar[:4]))


def _explained(case: Case) -> Iterator[str]:
    if why := wording.why_severity(case, 600):
        yield f"Why {case.subject.severity}: {why}"
    if not case.incident:
        yield outreach.allowed(case.subject.site)


def _quoted(said: str) -> Block:
    return {"type": "rich_text_quote", "elements": [{"type": "text", "text": said}]}


def _commitments(case: Case, known: Background) -> Iterator[Block]:
    """What our own people said, which may quote the customer: literal too."""
    if statement := case.statement or known.statement:
        yield labelled("To say to customers: ", line(statement, 600))
    if case.subject.proposal and not case.report:
        yield labelled("Proposed: ", line(case.subject.proposal, 400))
    if case.promise:
        yield labelled("Promised: ", line(case.promise.what, 300))
    if case.offer:
        note = f" ({line(case.offer.note, 300)})" if case.offer.note else ""
        yield labelled("Offered to: ", f"{line(case.offer.to, 100)}{note}")
    if case.report:
        yield labelled("Outcome: ", _outcome(case))


def _facts(case: Case, now: datetime) -> Iterator[Block]:
    yield fact("Owner", escape_mrkdwn(f"{line(case.owner, 100)}\n{line(case.why, 200)}", 500))
    if due := wording.deadline(case):
        late = " (overdue)" if wording.overdue(case, now) else ""
        yield fact(due[0], f"{date_token(due[1])}{late}")
    yield fact("How bad", escape_mrkdwn("\n".join(filter(None, (_judged(case), wording.rated(case, 300)))), 500))
    yield fact("Customer waits since", date_token(case.subject.since))
    if case.answered:
        yield fact("Answered in public", date_token(case.answered))
    elif case.reply and not case.spoken_for:
        yield fact(
            "Answer in public by", f"{date_token(case.reply.due)}{' (overdue)' if case.reply.due <= now else ''}"
        )
    if len(case.posts) > 1:
        yield fact("Posts", str(len(case.posts)))
    if case.coordinated:
        yield fact("Looks coordinated", wording.coordinated(case))
    if case.subject.raised_by:
        yield fact("Raised by", escape_mrkdwn(line(case.subject.raised_by, 100), 500))
