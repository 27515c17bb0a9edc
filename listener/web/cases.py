"""My cases; one case, with everything somebody needs to answer it; and what they do to it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from starlette.responses import RedirectResponse, Response

from escalation import outreach, wording
from escalation.case import Case, Status, replay
from escalation.commands import Handover, Rate, Refused
from escalation.events import Event, Opened, Revised
from escalation.guard import chosen, review
from escalation.ledger import Conflict, UnknownCase
from escalation.policy import on_duty
from listener import by_hand, one_voice, pulling, similar
from listener.background import lookup
from listener.query import And, Field, Node, fold
from listener.rating import with_row
from listener.settings.people import PRIORITIES
from listener.storage.contract import CaseRow, MentionRow, Question
from listener.web import forms, words
from listener.web.access import Act
from listener.web.room import Call

SHOWN = 100  # cases of one list
EARLIER = 10  # mentions of the same author
DONE = {
    "acknowledge": "It is yours.",
    "promise": "Promised.",
    "handover": "Offered. It is yours until it is accepted.",
    "accept": "You took it over.",
    "decline": "Declined.",
    "report": "Reported back.",
    "follow_up": "Saved.",
    "dismiss": "Dismissed. It can be taken back for a day.",
    "undo": "Taken back. It stands as before.",
    "reopen": "Open again.",
    "note": "Noted.",
    "snooze": "You are not reminded before then.",
    "ask": "Help is asked for.",
    "join": "Joined. This case answers for both.",
    "split": "Split off. This is the new case.",
    "raise": "Raised. This is its case.",
    "answered": "Noted: the customer was answered.",
    "verdict": "Saved. Triage learns from it.",
    "statement": "Stated, for every customer of it.",
    "pull": "Brought before them, with the brief.",
}


# Lists


@dataclass(slots=True)
class Listed:
    """One list of cases: the most urgent ones, and how many there are."""

    rows: list[CaseRow] = field(default_factory=list)
    total: int = 0

    def add(self, row: CaseRow) -> None:
        self.total += 1
        if len(self.rows) < SHOWN:
            self.rows.append(row)


async def mine(call: Call) -> Response:
    lists = await sorted_out(call.room.store.cases(), call.who.name)
    return call.page("mine.html", lists=lists, shown=SHOWN)


async def sorted_out(rows: AsyncIterator[CaseRow], name: str) -> dict[str, Listed]:
    lists = {"Offered to me": Listed(), "Mine": Listed(), "Nobody has acknowledged": Listed()}
    async for row in rows:
        if name in row.offered:
            lists["Offered to me"].add(row)
        if row.owner == name:
            lists["Mine"].add(row)
        elif row.status == Status.OPEN and not row.within:
            lists["Nobody has acknowledged"].add(row)
    return lists


# One case


async def one(call: Call) -> Response:
    return await shown(call, done=DONE.get(call.asked("done"), ""))


async def shown(call: Call, status: int = 200, *, done: str = "", refused: "Refusal | None" = None) -> Response:
    store = call.room.store
    events = await store.timeline(call.id)
    case = replay(events)
    posts = await store.case_mentions(call.id)
    known = await lookup(store, case)
    settings = call.room.settings
    names = [*(person.name for person in settings.people), *(team.name for team in settings.teams)]
    wanted = forms.available(case, call.who.name, names, call.now, call.who.timezone)
    if not case.status.ended:
        wanted = (*wanted, forms.pull(pulling.who_can_be(settings)))
    return call.page(
        "case.html",
        status,
        case=case,
        state=wording.state(case, call.now),
        deadline=wording.deadline(case),
        late=wording.overdue(case, call.now),
        posts=[_post(post, case) for post in posts],
        lines=words.timeline(events, call.who.timezone),
        versions=versions(events),
        reasons=_reasons(case),
        rated=wording.rated(case, 1_000),
        earlier=await _earlier(call, posts),
        answering=outreach.allowed(case.subject.site),
        answer_at=outreach.answer_link(case.subject.site, case.subject.url),
        statement=case.statement or known.statement,
        similar=similar.told(await similar.similar(store, case, call.now)),
        beside=await one_voice.whisper(store, case, call.who.name) if not case.status.ended else "",
        known=known,
        forms=wanted if call.who.may(Act.WORK) else (),
        done=done,
        refused=refused,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What was asked and not granted, to be shown where it was asked."""

    action: str
    said: str
    field: str
    given: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A post as it stands, with the words that weighed."""

    row: MentionRow
    title: str
    text: str


def _post(row: MentionRow, case: Case) -> Shown:
    weighed = [str(reason["words"]) for reason in row.reasons] or [why.words for why in case.subject.reasons]
    return Shown(row=row, title=words.marked(row.title, weighed, 300), text=words.marked(row.text, weighed))


def _reasons(case: Case) -> list[tuple[str, float, str]]:
    """Factor, points, the words that carried it; the heaviest first."""
    found = sorted(case.subject.reasons, key=lambda why: -abs(why.points))
    return [(why.factor.replace("_", " "), why.points, why.words) for why in found]


def versions(events: tuple[Event, ...]) -> list[tuple[datetime, str]]:
    """What the post said before it was changed: (until when, text), oldest first."""
    texts, found = dict[str, str](), list[tuple[datetime, str]]()
    for event in events:
        match event:
            case Opened(subject=subject):
                texts[subject.post] = subject.text
            case Revised(at=at, post=post, text=text):
                if texts.get(post):
                    found.append((at, texts[post]))
                texts[post] = text
    return found


async def _earlier(call: Call, posts: tuple[MentionRow, ...]) -> list[MentionRow]:
    """What the same account said before, there; accounts of other platforms are never taken for the same person."""
    author = posts[0].author.strip() if posts else ""
    if not fold(author):
        return []
    asked: Node = And((Field("author", ":", fold(author)), Field("source", ":", fold(posts[0].source))))
    known, found = {post.id for post in posts}, list[MentionRow]()
    async for row in call.room.store.search(Question(query=asked, limit=EARLIER + len(known))):
        if row.id not in known and row.author == author and len(found) < EARLIER:
            found.append(row)
    return found


async def guarded(call: Call) -> Response:
    """The findings for a draft, as a part of the case's page."""
    case = await call.room.desk.case(call.id)
    posts = await call.room.store.case_mentions(call.id)
    said = [f"{post.title}\n{post.text}" for post in posts] or [case.subject.text]
    promised = case.status is Status.ACKNOWLEDGED and case.promise is not None
    draft = call.form.get("draft", "")
    found, warned = review(draft, said, promised=promised), call.form.get("warned", "")
    if call.form.get("posted"):
        choices = chosen(review(warned, said, promised=promised), draft)
        await call.room.store.guarded(choices, call.now)
        return call.page("guard.html", draft=draft, findings=(), warned="", choices=choices)
    return call.page("guard.html", draft=draft, findings=found, warned=warned or (draft if found else ""), choices=None)


async def briefed(call: Call) -> Response:
    """The case on one page, for who must decide; and whom to bring it before."""
    case = await call.room.desk.case(call.id)
    pull = forms.pull(pulling.who_can_be(call.room.settings))
    return call.page(
        "brief.html",
        case=case,
        lines=await pulling.page(call.room.store, case),
        form=pull if call.who.may(Act.WORK) and not case.status.ended else None,
    )


# What is done to it


async def act(call: Call) -> Response:
    action = str(call.request.path_params["action"])
    try:
        where = await done(call, action)
    except (Refused, UnknownCase, Conflict) as why:
        await call.room.desk.case(call.id)  # is it this case that is unknown, or one that was named?
        return await shown(call, 422, refused=_refusal(action, str(why.args[0]), call.form))
    return RedirectResponse(f"/cases/{where}?done={action}", 303)


def _refusal(action: str, said: str, given: Mapping[str, str]) -> Refusal:
    return Refusal(action=action, said=said, field=forms.field_of(said, given), given=given)


async def done(call: Call, action: str) -> int:
    """The case to show next. Raises Refused, UnknownCase, Conflict."""
    name, store, now = call.who.name, call.room.store, call.now
    if action == "join":
        await store.merge(call.id, into := _number(call.form.get("into", "")), name, now)
        return into
    if action == "split":
        case = await call.room.desk.case(call.id)
        return (await by_hand.split(store, call.room.scales, case, call.form.get("post", ""), name, now)).id
    if action == "pull":
        return (await pulling.pull_in(store, call.room.settings, call.id, call.form.get("to", ""), name, now)).id
    asked = forms.command(action, name, call.form, call.who.timezone)
    if isinstance(asked, Handover):
        asked = await _offered(call, asked)
    if isinstance(asked, Rate):
        asked = with_row(asked, await call.room.desk.case(call.id), call.room.scales)
    return (await call.room.desk.handle(call.id, asked, now)).id


async def _offered(call: Call, asked: Handover) -> Handover:
    """To a team: to whoever of it is there. Raises Refused."""
    settings = call.room.settings
    if team := next((team for team in settings.teams if team.name == asked.to), None):
        return replace(asked, among=on_duty(team, settings.people, call.now, await call.room.store.away(call.now)))
    if settings.person(asked.to) is None:
        raise Refused("choose somebody from the list")
    return asked


def _number(text: str) -> int:
    text = text.strip().removeprefix("#")
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    raise Refused("write the number of a case")


# By hand


async def blank(call: Call) -> Response:
    return call.page("raise.html", brands=_brands(call), priorities=PRIORITIES, refused=None)


def _brands(call: Call) -> list[str]:
    return [brand.name for brand in call.room.settings.brands]


async def raised(call: Call) -> Response:
    given = {name: call.form.get(name, "")[: forms.LONGEST] for name in ("text", "brand", "url", "author", "priority")}
    try:
        return RedirectResponse(f"/cases/{await raise_case(call, given)}?done=raise", 303)
    except Refused as why:
        refused = _refusal("raise", str(why.args[0]), given)
        return call.page("raise.html", 422, brands=_brands(call), priorities=PRIORITIES, refused=refused)


async def raise_case(call: Call, given: Mapping[str, str]) -> int:
    if given["priority"] not in ("", *PRIORITIES):
        raise Refused("choose a priority from the list")
    text, brand = given["text"], given["brand"]
    more = {name: given[name] for name in ("url", "author", "priority")}
    heard = by_hand.raised(text, brand, call.room.scales, call.now, by=call.who.name, **more)
    kept = await by_hand.keep(call.room.store, heard, call.now)
    if found := (*kept.opened, *kept.into):
        return found[0]
    raise Refused("this was raised already; search finds it")
