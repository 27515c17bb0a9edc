"""What whoever looks at a case can do about it now: at most four buttons, the rest in a menu. Pure."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from escalation import outreach
from escalation.case import Case, Status
from escalation.clean import cut
from escalation.decide import UNDOABLE
from escalation.events import Rating
from escalation.slack.actions import MORE, PREFIX
from escalation.slack.parts import Block, button, option, plain, row, web_address
from escalation.telling import RATED

Choice = tuple[str, str]  # the action, and the words on its button

NOTE, PULL = ("note", "Note"), ("pull", "Pull in an executive")
JOIN, SPLIT = ("join", "Join to another case"), ("split", "Split off a post")
OWNERS = (("snooze", "Remind me later"), ("help", "Ask for help"))
ANSWERED = ("answered", "We have answered in public")
RATINGS = tuple((str(rating), f"Severity: {RATED[rating]}") for rating in Rating)
STATEMENT = ("statement", "Say what customers may hear")


def actions(case: Case, to: str, now: datetime) -> Iterator[Block]:
    """`to` is who sees it; everybody sees the owner's buttons on the card in the channel."""
    first = enumerate(choices(case, to, now))
    buttons = [button(PREFIX + name, str(case.id), label, main=not place) for place, (name, label) in first]
    if link := web_address(case.subject.url):
        buttons.append(way_out(case, link, "Open"))
    if menu := more(case, to):
        options = [option(f"{name} {case.id}", label) for name, label in menu]
        buttons.append({"type": "static_select", "action_id": MORE, "placeholder": plain("More…"), "options": options})
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
    """What is seldom wanted, the most wanted first."""
    if case.status.ended:
        return ()
    if case.incident:
        return NOTE, STATEMENT, PULL
    answered = () if case.answered else (ANSWERED,)
    apart = (JOIN, SPLIT) if len(case.posts) > 1 else (JOIN,)
    if case.status is Status.OPEN or to != case.owner:
        return NOTE, *answered, PULL, *RATINGS, *apart
    dismiss = (("dismiss", "Not a complaint"),) if case.status is Status.ACKNOWLEDGED else ()
    return NOTE, *OWNERS, *answered, PULL, *RATINGS, *apart, *dismiss


def answer(case: Case) -> Block | None:
    """The button to where one answers as oneself; None where that is the post itself, or we have answered."""
    address = outreach.answer_link(case.subject.site, case.subject.url)
    if case.answered or case.status.ended or address == case.subject.url or not (link := web_address(address)):
        return None
    return way_out(case, link, "Answer")


def way_out(case: Case, link: str, verb: str) -> Block:
    label = cut(f"{verb} on {urlsplit(link).hostname}", 75)
    return {**button(f"{PREFIX}open", str(case.id), label), "url": link}
