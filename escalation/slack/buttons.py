"""What whoever looks at a case can do about it now: at most four buttons, the rest in a menu. Pure."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from escalation.case import Case, Status
from escalation.clean import cut
from escalation.decide import UNDOABLE
from escalation.slack.actions import MORE, PREFIX
from escalation.slack.parts import Block, button, option, row, web_address

Choice = tuple[str, str]  # the action, and the words on its button

NOTE, JOIN = ("note", "Note"), ("join", "Join to another case")
OWNERS = (("snooze", "Remind me later"), ("help", "Ask for help"))


def actions(case: Case, to: str, now: datetime) -> Iterator[Block]:
    """`to` is who sees it; everybody sees the owner's buttons on the card in the channel."""
    first = enumerate(choices(case, to, now))
    buttons = [button(PREFIX + name, str(case.id), label, main=not place) for place, (name, label) in first]
    if link := web_address(case.subject.url):
        label = cut(f"Open on {urlsplit(link).hostname}", 75)
        buttons.append({**button(f"{PREFIX}open", str(case.id), label), "url": link})
    if menu := more(case, to):
        options = [option(f"{name} {case.id}", label) for name, label in menu]
        buttons.append({"type": "overflow", "action_id": MORE, "options": options})
    if buttons:
        yield row(buttons)


def choices(case: Case, to: str, now: datetime) -> tuple[Choice, ...]:
    if case.offer and case.offer.reaches(to):
        return ("accept", "Accept"), ("decline", "Decline")
    if case.status.ended:
        lately = case.status is Status.DISMISSED and case.dismissed_at and now - case.dismissed_at <= UNDOABLE
        return (("undo", "Undo"), ("reopen", "Reopen")) if lately else (("reopen", "Reopen"),)
    if case.status is Status.OPEN:
        return ("acknowledge", "Acknowledge"), ("dismiss", "Not a complaint")
    if to != case.owner:
        return ()
    if case.status is Status.REPORTED:
        return ("follow_up", "Say if it helped"), ("handover", "Hand over")
    promise = ("promise", "Move promise" if case.promise else "Promise")
    return ("report", "Report back"), promise, ("handover", "Hand over")


def more(case: Case, to: str) -> tuple[Choice, ...]:
    """Two at least, or none: a menu of one is a button too many."""
    if case.status.ended or case.incident:
        return ()
    if case.status is Status.OPEN or to != case.owner:
        return NOTE, JOIN
    dismiss = (("dismiss", "Not a complaint"),) if case.status is Status.ACKNOWLEDGED else ()
    return NOTE, *OWNERS, JOIN, *dismiss
