"""The forms that buttons open, as modal views. Pure. Field names are those that actions.py reads."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from escalation.case import Case
from escalation.clean import line
from escalation.events import Outcome, Result
from escalation.guard import Finding
from escalation.slack import parts
from escalation.slack.parts import option, plain

View = dict[str, Any]

LONGEST_PROPOSAL = timedelta(days=30)
LONGEST_FIELD = 2_000  # characters
PRIORITIES = ("P1", "P2", "P3")
LONGEST_NAME = 80  # characters of a saved search's name
SAVE, SEARCH = "find_save", "find_form"
SINCE = {"24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days", "365d": "the last year"}
TELL = "this channel, every ten minutes at most"
FINDINGS = 20  # shown of a draft
CONTACTED = ("in the thread", "by direct message", "by e-mail", "by phone", "not contacted")
"""Where a customer can have been answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a form must know beside its case."""

    names: tuple[str, ...] = ()  # whom a case can be handed to
    others: tuple[tuple[int, str], ...] = ()  # the brand's other open cases, and what they are about
    posts: tuple[tuple[str, str], ...] = ()  # those that joined, by key, and how they begin
    above: tuple[str, ...] = ()  # whom the case can be brought before
    page: tuple[str, ...] = ()  # the case on one page, as they would read it
    similar: tuple[str, ...] = ()  # what similar cases were offered, and how those ended
    draft: Mapping[str, str] = field(default_factory=dict)  # what was filled in before the form was closed


def form(action: str, case: Case, around: Around, now: datetime) -> View | None:
    """The form that a button opens; None for a button that acts at once."""
    made = _made(action, case, around, now)
    return filled(made, around.draft) if made and around.draft else made


def _made(action: str, case: Case, around: Around, now: datetime) -> View | None:
    match action:
        case "acknowledge":
            return acknowledge(case, now, around.similar)
        case "promise":
            return promise(case, now)
        case "handover":
            return handover(case, around.names)
        case "report":
            return report(case, now, around.similar)
        case "follow_up":
            return follow_up(case)
        case "dismiss":
            return _form(case, "dismiss", "Not a complaint", "Dismiss", _field("reason", "Why does it need nothing?"))
        case "reopen":
            return _form(case, "reopen", "Open it again", "Reopen", _field("reason", "Why must it be opened again?"))
        case "decline":
            return _form(case, "decline", "Decline", "Decline", _field("reason", "Why not?", optional=True))
        case "note":
            return _form(case, "note", "Note", "Save", _field("text", "What should the next reader know?"))
        case "help":
            return _form(case, "help", "Ask for help", "Ask", _field("text", "What do you need help with?"))
        case "snooze":
            return snooze(case, now)
        case "join":
            return join(case, around.others)
        case "split":
            return split(case, around.posts)
        case "pull":
            return pull(case, around)
        case "answered":
            link = _field("url", "Where can the answer be read?", _words(example="https://…"), optional=True)
            return _form(case, "answered", "We have answered", "Save", link)
        case "statement":
            said = _field("text", "What may be said to each of them?", _words(case.statement, multiline=True))
            return _form(case, "statement", "Statement", "Save", said)
        case _:
            return None


def acknowledge(case: Case, now: datetime, similar: Iterable[str] = ()) -> View:
    asked = _words(line(case.subject.proposal, LONGEST_FIELD), multiline=True, example="call her back")
    what = _field("what", "What do you promise the customer?", asked, optional=True)
    by_when = _field("due", "By when?", _time(case, now))
    return _form(case, "acknowledge", "Take this case", "Take it", what, by_when, *_remembered(similar))


def _remembered(similar: Iterable[str]) -> list[View]:
    lines = [line(one, 300) for one in similar]
    return [parts.context(*lines[:10])] if lines else []


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


def report(case: Case, now: datetime, similar: Iterable[str] = ()) -> View:
    causes = case.policy.root_causes
    remedy = _field("remedy", "What did they get, or why nothing?", _words())
    if proposal := line(case.subject.proposal, 1_000):
        remedy |= {"hint": plain(f"Proposed was: {proposal}")}
    draft = _field("draft", "Check my draft answer", _words(multiline=True), optional=True)
    draft |= {"hint": plain("Read before you post it: blame, threats, canned apologies, private data. Nobody sees it.")}
    return _form(
        case,
        "report",
        "Report back",
        "Report back",
        _field("outcome", "What became of it?", _choice([one.value for one in Outcome])),
        _field("done", "What was done for the customer?", _words(multiline=True)),
        remedy,
        _field("evidence", "A link or reference that shows it", _words()),
        _field("contacted", "Where did you reach them?", _choice(CONTACTED), optional=True),
        _field("gave", "What did it cost us?", _words(example="refund 80 EUR, or voucher"), optional=True),
        _field("root_cause", "Root cause", _choice(causes) if causes else _words(), optional=not causes),
        _field("follow_up", "Check that it helped on", _at(now + case.policy.follow_up), optional=True),
        draft,
        *_remembered(similar),
    )


def _telling(asked: View) -> View:
    """A field that tells what is typed while it is typed, so that a form closed by mistake is not lost."""
    sent = {"trigger_actions_on": ["on_character_entered"]}
    return {**asked, "dispatch_action": True, "element": {**asked["element"], "dispatch_action_config": sent}}


def follow_up(case: Case) -> View:
    return _form(
        case,
        "follow_up",
        "Did it help?",
        "Save",
        _field("result", "What did you find in the thread?", _choice([one.value for one in Result])),
        _field("note", "Note", _words(multiline=True), optional=True),
    )


def snooze(case: Case, now: datetime) -> View:
    person = case.policy.person(case.owner)
    zone = ZoneInfo(person.timezone if person else "UTC")
    morning = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(9), zone).astimezone(UTC)
    spans = {"30 minutes": now + timedelta(minutes=30), "2 hours": now + timedelta(hours=2), "tomorrow, 9:00": morning}
    wanted = [(str(int(at.timestamp())), label) for label, at in spans.items() if not case.clock or at < case.clock]
    fields = [_field("until", "For how long?", _options(wanted), optional=True)] if wanted else []
    fields.append(_field("due", "Or until", {"type": "datetimepicker"}, optional=bool(wanted)))
    about = parts.context("What was promised to the customer does not move.")
    return _form(case, "snooze", "Remind me later", "Save", *fields, about)


def join(case: Case, others: Iterable[tuple[int, str]]) -> View:
    known = [(str(number), f"Case {number}: {about}") for number, about in others if number != case.id]
    if not known:
        return told("There is no other open case of this brand to join it to.")
    asked = _field("into", "Which case is the same matter?", _options(known))
    return _form(case, "join", "Join", "Join", asked, parts.context("That case answers for both; this one ends."))


def split(case: Case, posts: Iterable[tuple[str, str]]) -> View:
    known = [(key, about) for key, about in posts if key != case.subject.post]
    if not known:
        return told("No post has joined this case that could be a matter of its own.")
    asked = _field("post", "Which post is a matter of its own?", _options(known))
    about = parts.context("It gets a case of its own, with an owner and a deadline. This one goes on without it.")
    return _form(case, "split", "Split off a post", "Split it off", asked, about)


def pull(case: Case, around: Around) -> View:
    """The brief is ready; whoever sends it reads it first."""
    if not around.above:
        return told("Nobody in people.toml has the role executive or lead.")
    asked = _field("to", "Who must know of it?", _choice(around.above))
    brief = [parts.said(line(one, 1_000)) for one in around.page]
    sent = parts.context("They get this, as a message and by mail if they have an address:")
    return _form(case, "pull", "Pull in an executive", "Send them the brief", asked, sent, *brief[:20])


def warned(case: Case, findings: Iterable[Finding]) -> View:
    """What the guard found in a draft; the form lies below it, and the report can be sent all the same."""
    shown = [parts.said(line(f"{one.fault}: “{one.words}”. Better: {one.better}.", 2_900)) for one in findings]
    view = _form(case, "report_anyway", "Before you post it", "Report back anyway", *shown[:FINDINGS])
    return {**view, "close": plain("Change it")}


def raising(brands: Iterable[str], *, text: str = "", url: str = "", author: str = "") -> View:
    """Raised by hand; judged and routed like anything that was heard."""
    fields = [
        _field("text", "What does the customer say?", _words(text, multiline=True)),
        _field("brand", "About which brand?", _choice(list(brands))),
        _field("url", "Where can it be read?", _words(url, example="https://…"), optional=True),
        _field("author", "Who wrote it?", _words(author), optional=True),
        _field("priority", "At least how urgent?", _choice(PRIORITIES), optional=True),
    ]
    return _view("raise", 0, "Raise a case", "Raise it", *fields)


def away(now: datetime) -> View:
    asked = _field("due", "Until when are you away?", _at(now + timedelta(days=1)))
    about = parts.context("Until then nothing new is given to you. What you have stays yours: hand it over.")
    return _view("away", 0, "I'm away", "Save", asked, about)


def searching(brands: Iterable[str]) -> View:
    """A search without its language; what is left empty asks for everything."""
    fields = [
        _field("words", "Which words?", _words(example='charger OR "lost bag"'), optional=True),
        *(_field("brand", "About which brand?", _choice(named), optional=True) for named in [list(brands)] if named),
        _field("verdict", "What kind?", _choice(("complaint", "praise", "question", "other")), optional=True),
        _field("severity", "At least how severe?", _options([("30", "30"), ("60", "60"), ("80", "80")]), optional=True),
        _field("since", "Since when?", _options(list(SINCE.items())), optional=True),
    ]
    made = _view("search", 0, "Search mentions", "Search", *fields)
    return {**made, "callback_id": SEARCH, "notify_on_close": False}


def saving(query: str, channel: str) -> View:
    """A search to be kept; it carries the query and the channel where it was asked for."""
    fields = [
        _field("name", "What is it called?", _words(line(query, LONGEST_NAME))),
        _field("tell", "Who hears of what is new?", _choice((TELL, "nobody, just keep it"))),
    ]
    about = parts.context(f"It looks for: {line(query, 300)}", "Everybody sees saved searches, here and on the desk.")
    made = _view("save", 0, "Save this search", "Save it", about, *fields)
    carried = json.dumps({"q": query, "c": channel}, ensure_ascii=False)
    return {**made, "callback_id": SAVE, "private_metadata": carried, "notify_on_close": False}


def told(text: str) -> View:
    """A calm word in place of a form."""
    said = parts.said(line(text, 2_900) or "-")
    return {"type": "modal", "title": plain("Listening Post"), "close": plain("Close"), "blocks": [said]}


def filled(form: View, draft: Mapping[str, str]) -> View:
    """The form as it was left."""
    blocks = [
        {**block, "element": _initially(block["element"], draft.get(block["block_id"], ""))}
        if block["type"] == "input"
        else block
        for block in form["blocks"]
    ]
    return {**form, "blocks": [parts.context("What you had filled in is here again."), *blocks]}


def _initially(element: View, value: str) -> View:
    match element["type"]:
        case "plain_text_input" if value:
            return {**element, "initial_value": value[:LONGEST_FIELD]}
        case "static_select":
            chosen = [one for one in element["options"] if one["value"] == value]
            return {**element, "initial_option": chosen[0]} if chosen else element
        case "datetimepicker" if value.isdecimal() and len(value) == 10:
            return {**element, "initial_date_time": int(value)}
        case _:
            return element


def _form(case: Case, action: str, title: str, submit: str, *fields: View) -> View:
    about = f"Case {case.id}, {line(case.subject.brand, 80)}: {line(case.subject.title or case.subject.text, 120)}"
    return _view(action, case.id, title, submit, parts.context(about), *fields)


def _view(action: str, case: int, title: str, submit: str, *blocks: View) -> View:
    return {
        "type": "modal",
        "callback_id": f"case_{action}",
        "private_metadata": str(case),
        "notify_on_close": True,
        "title": plain(title),
        "submit": plain(submit),
        "close": plain("Cancel"),
        "blocks": list(_first_told(blocks)),
    }


def _first_told(blocks: Iterable[View]) -> Iterator[View]:
    """The first field for more than a line is the one that would be missed."""
    told = False
    for block in blocks:
        long = block["type"] == "input" and block["element"].get("multiline", False)
        yield _telling(block) if long and not told else block
        told = told or long


def _field(name: str, label: str, element: View | None = None, *, optional: bool = False) -> View:
    asked = {**(element or _words(multiline=True)), "action_id": "value"}
    return {"type": "input", "block_id": name, "optional": optional, "label": plain(label), "element": asked}


def _words(initial: str = "", *, multiline: bool = False, example: str = "") -> View:
    element: View = {"type": "plain_text_input", "multiline": multiline, "max_length": LONGEST_FIELD}
    element |= {"initial_value": line(initial, LONGEST_FIELD)} if line(initial, LONGEST_FIELD) else {}
    return element | ({"placeholder": plain(example)} if example else {})


def _time(case: Case, now: datetime) -> View:
    return _at(now + min(case.policy.report, LONGEST_PROPOSAL))


def _at(proposed: datetime) -> View:
    return {"type": "datetimepicker", "initial_date_time": int(proposed.timestamp())}


def _choice(values: Iterable[str]) -> View:
    return _options([(value, value) for value in values])


def _options(pairs: Iterable[tuple[str, str]]) -> View:
    options = [option(value, label) for value, label in pairs if 0 < len(value) <= 150]
    return {"type": "static_select", "options": options[:100]}
