"""The mention history: asked in the one language, page by page, counted, drawn, kept as a saved search, taken out."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from listener import talk
from listener.query import Node, Purpose, QueryError, check_tracking, parse, spans
from listener.query.meaning import positive_words
from listener.search import question
from listener.storage.contract import MentionRow, Picture, Question, Sort, Subscription
from listener.web import exporting, pictures, words
from listener.web.access import Act
from listener.web.room import Call

PAGE = 25
LOOKED = 100  # rows that are looked through for a page, for copies of what is on it
THREAD = 50
SAMPLE = 1_000  # of the newest, whose authors and words are counted
TEN = 10  # examples
TRIED = timedelta(days=30)  # how far a preview looks back
LONGEST = 1_000  # characters of a query
EXAMPLES = (
    "verdict:complaint severity>=60 since:7d",
    "is:answered has:promise",
    "status:open priority:P1",
    "refund NEAR/5 never",
    "verdict:praise since:30d",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One found mention, its words marked, with how many said the same."""

    row: MentionRow
    title: Markup
    text: Markup
    copies: tuple[MentionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asked for; `problem` says why it cannot be answered."""

    text: str
    sort: Sort
    question: Question | None
    problem: str = ""

    def address(self, path: str = "/search", **more: str) -> str:
        return f"{path}?{urlencode({'q': self.text, 'sort': self.sort, **more})}"

    def narrowed(self, name: str, value: str) -> str:
        """The same search, of one value only."""
        return self.and_only(f'{name}:"{value.replace(chr(34), " ")}"')

    def between(self, since: datetime, until: datetime, verdict: str = "") -> str:
        of = f"verdict:{verdict} " if verdict else ""
        return self.and_only(f'{of}since:"{since.isoformat()}" until:"{until.isoformat()}"')

    def and_only(self, more: str) -> str:
        text = f"({self.text})" if " OR " in self.text else self.text
        return f"/search?{urlencode({'q': f'{text} {more}'.strip(), 'sort': self.sort})}"


def asked(call: Call, limit: int = LOOKED) -> Asked:
    text = call.asked("q").strip()[:LONGEST]
    sort = Sort(call.asked("sort")) if call.asked("sort") in list(Sort) else Sort.NEWEST
    before = call.asked("before")
    try:
        found = question(
            text,
            sort=sort,
            limit=limit,
            before=int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None,
            now=call.now,
        )
    except QueryError as wrong:
        return Asked(text=text, sort=sort, question=None, problem=str(wrong))
    return Asked(text=text, sort=sort, question=found)


async def search(call: Call) -> Response:
    wanted = asked(call)
    rows = [row async for row in call.room.store.search(wanted.question)] if wanted.question else []
    groups, used = pictures.folded(rows, PAGE)
    more = used < len(rows) or len(rows) == LOOKED
    return call.page(
        "search.html",
        asked=wanted,
        hits=hits(groups, wanted.question.query if wanted.question else None),
        next=wanted.address(before=str(rows[used - 1].id)) if more else "",
        first=not call.asked("before"),
        sorts=list(Sort),
        saved=await call.room.store.searches(),
        subscribed=await _subscribed(call),
        examples=EXAMPLES,
        forms=exporting.FORMS if call.who.may(Act.SEARCH) else (),
        status=200 if not wanted.problem else 422,
    )


async def _subscribed(call: Call) -> dict[int, list[Subscription]]:
    """Saved search -> who is told of it."""
    found = dict[int, list[Subscription]]()
    for one in await call.room.store.subscriptions():
        found.setdefault(one.search.id, []).append(one)
    return found


def hits(groups: list[list[MentionRow]], query: Node | None) -> list[Hit]:
    return [
        Hit(
            row=first,
            title=found(first.title, query, 300),
            text=found(first.text, query, 700),
            copies=tuple(copies),
        )
        for first, *copies in groups
    ]


def found(text: str, query: Node | None, longest: int) -> Markup:
    """A piece of the text around the first words that were asked for, safe, with each of them marked."""
    places = spans(query, text) if query else ()
    begin = max(0, places[0][0] - 120) if places and places[0][1] > longest else 0
    piece = text[begin : begin + longest]
    sought = {text[start:end] for start, end in places}
    shown = words.marked(piece, sought, longest)
    return Markup("{}{}{}").format("…" if begin else "", shown, "…" if begin + longest < len(text) else "")


async def picture(call: Call) -> Response:
    """Counted over what was found; a part of the page that may take a moment."""
    wanted = asked(call, limit=SAMPLE)
    if wanted.question is None:
        return call.page("picture.html", 422, asked=wanted, picture=None)
    counted = await call.room.store.picture(wanted.question)
    newest = replace(wanted.question, sort=Sort.NEWEST, before=None)
    sample = [row async for row in call.room.store.search(newest)]
    sought = {word for one in positive_words(newest.query) for word in one.text.split()} if newest.query else set()
    return call.page(
        "picture.html",
        asked=wanted,
        picture=counted,
        verdicts=pictures.verdicts(counted),
        severity=pictures.severity(counted),
        chart=pictures.stacked(counted, call.who.timezone),
        tops=tops(counted),
        authors=Counter(row.author for row in sample if row.author),
        words=talk.words(sample, sought),
        sampled=len(sample),
        shares=pictures.shares,
        bands=pictures.in_order,
    )


def tops(counted: Picture) -> list[tuple[str, str, dict[str, int]]]:
    """(heading, the field that narrows to a value, value -> mentions), of what was counted."""
    found = [("Brand", "brand", dict(pictures.brands(counted)))]
    for name in ("source", "cause", "priority"):
        found.append((name.capitalize(), name, {key: count for key, count in counted.by.get(name, {}).items() if key}))
    found.append(("Severity", "", pictures.bands(counted.by.get("severity", {}))))
    return [(heading, field, counts) for heading, field, counts in found if counts]


async def thread(call: Call) -> Response:
    """The thread a hit stands in, opened where it is."""
    rows = await call.room.store.thread(call.id, THREAD)
    return call.page("thread.html", rows=rows, of=call.id, shown=THREAD)


async def preview(call: Call) -> Response:
    """What a tracking query would have found, before it tracks anything; among the posts that were kept."""
    text = call.asked("q").strip()[:LONGEST]
    try:
        tree = check_tracking(parse(text, purpose=Purpose.TRACKING), text)
    except QueryError as wrong:
        return call.page("preview.html", 422, text=text, problem=str(wrong), total=0, hits=[], capped=False)
    tried = Question(query=tree, since=call.now - TRIED, limit=LOOKED)
    counted = await call.room.store.picture(tried)
    groups, _ = pictures.folded([row async for row in call.room.store.search(tried)], TEN)
    return call.page(
        "preview.html", text=text, problem="", total=counted.total, hits=hits(groups, tree), capped=counted.more
    )


async def save(call: Call) -> Response:
    name, text = call.form.get("name", "").strip()[:80], call.form.get("q", "").strip()[:LONGEST]
    try:
        question(text, now=call.now)
    except QueryError as wrong:
        return call.page("refused.html", 422, title="Not saved", said=str(wrong))
    if not (name and text):
        return call.page(
            "refused.html", 422, title="Not saved", said="Give the search a name, and something to look for."
        )
    await call.room.store.save_search(name, text, call.who.name, call.now)
    return RedirectResponse(f"/search?{urlencode({'q': text})}", 303)


async def drop(call: Call) -> Response:
    await call.room.store.drop_search(call.id)
    return RedirectResponse("/search", 303)


async def export(call: Call) -> Response:
    wanted = asked(call, limit=exporting.MOST)
    form = exporting.FORMS.get(str(call.request.path_params["form"]))
    if wanted.question is None or form is None:
        return call.page(
            "refused.html", 422, title="Nothing to take out", said=wanted.problem or "There is no such form."
        )
    return form.answer(call.room.store.search(wanted.question), f"mentions-{call.now:%Y-%m-%d}")
