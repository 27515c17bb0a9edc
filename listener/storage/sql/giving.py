"""Where a mention goes: to a case of its own, to one that another source heard of, or only into the history."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectors.post import Post
from escalation.case import Case, evolve
from escalation.clock import back_again, open_case, raised
from escalation.events import Answered, How, Joined
from escalation.ledger import Unreadable
from listener.copies import copied
from listener.storage.contract import Mention, Opening, State, Taken
from listener.storage.sql import incidents, ledger, people, tagging
from listener.storage.sql.database import Database
from listener.storage.sql.rows import OPEN, judged, marks, storable
from listener.storage.sql.tallies import Delta
from listener.surge import Surge

INSERT = (
    "INSERT INTO mentions (post, brand, state, reason, case_id, heard, verdict, complaint, severity, priority, cause,"
    f" reasons) VALUES ({marks(12)})"
)
LEVEL = "INSERT INTO levels (brand, verdict, priority, severity) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


@dataclass(slots=True)
class Tally:
    """What keeping a batch has changed so far."""

    surge: Surge | None = None
    new: int = 0
    edited: int = 0
    mentions: int = 0
    complaints: int = 0
    joined: int = 0
    opened: list[int] = field(default_factory=list)
    into: list[int] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    within: dict[int, list[Opening]] = field(default_factory=dict)  # incident -> what it has grown by
    counted: Delta = field(default_factory=Delta)
    read: dict[int, Case] = field(default_factory=dict)  # cases that were joined: a page may hold a hundred copies


@dataclass(frozen=True, slots=True)
class Given:
    """A mention and where it went."""

    mention: Mention
    state: State
    reason: str
    case: int | None

    @property
    def facts(self) -> tagging.Facts:
        judged = self.mention.assessment
        return self.mention.brand, judged.verdict, judged.priority or "", judged.severity, self.case is not None


def give(db: Database, post: Post, mention: Mention, at: datetime, tally: Tally) -> Given:
    """A mention joins an open case that another source heard of, becomes a case of its own, or is only kept."""
    tally.mentions += 1
    tally.complaints += mention.assessment.verdict == "complaint"
    if mention.own:
        _answered(db, post, mention.brand, at)
        return Given(mention, State.SUPPRESSED, mention.reason, None)
    if mention.opening is None:
        return _kept(db, post, mention, at, tally)
    if found := _same_matter(db, mention.opening, post.source, tally):
        return _joined(_join(db, *found, mention.opening, at), post, mention, tally)
    opened = _open(db, mention.opening, at, tally)
    tally.opened.append(opened.id)
    tally.taken.append(Taken(opened.id, f"{post.source}:{post.id}", mention.brand, opened=True))
    return Given(mention, State.ESCALATED, "", opened.id)


def _joined(case: Case, post: Post, mention: Mention, tally: Tally) -> Given:
    tally.read[case.id] = case
    tally.taken.append(Taken(case.id, f"{post.source}:{post.id}", mention.brand, opened=False))
    tally.joined += 1
    tally.into.append(case.id)
    return Given(mention, State.JOINED, "", case.id)


def _kept(db: Database, post: Post, mention: Mention, at: datetime, tally: Tally) -> Given:
    """Only into the history; but a customer who waits, and asks or says thanks, is heard by who has their case."""
    judged = mention.assessment
    if judged.verdict != "other":
        kin = (How.AUTHOR, "customer", mention.customer)
        severity = {"praise": 0, "complaint": judged.severity}.get(judged.verdict)
        for case, how in _cases_of(db, mention.brand, kin, post.source, tally):
            key, url = storable(f"{post.source}:{post.id}"), storable(post.url)
            joined = Joined(at=at, post=key, url=url, how=how, severity=severity)
            return _joined(ledger.append(db, case, [joined]), post, mention, tally)
    return Given(mention, State.KEPT, mention.reason, None)


def _open(db: Database, opening: Opening, at: datetime, tally: Tally) -> Case:
    within = incidents.within(db, opening, at, tally.surge) if tally.surge else 0
    if within:
        tally.within.setdefault(within, []).append(opening)
    about, away = opening.subject, people.away(db, at)
    known_to = people.known_to(db, about.brand, about.customer)
    opened = open_case(db.dialect.case_id(db), about, opening.policy, at, away, known_to=known_to)
    return ledger.append(db, None, [replace(opened, within=within)])


def _join(db: Database, case: Case, how: How, opening: Opening, at: datetime) -> Case:
    subject = opening.subject
    joined = Joined(at=at, post=subject.post, url=subject.url, how=how, severity=subject.severity)
    worse = raised(case, subject, opening.policy, at, people.away(db, at))
    again = back_again(evolve(case, joined), at)
    return ledger.append(db, case, [joined, *worse, *again])


Kin = tuple[How, str, str]  # why two posts are one matter: the column of `cases` that says so, and what it says


def _same_matter(db: Database, opening: Opening, source: str, tally: Tally) -> tuple[Case, How] | None:
    """The open case that this post belongs to, and why it does."""
    subject = opening.subject
    for kin in (
        (How.ELSEWHERE, "thread", subject.thread),
        (How.AUTHOR, "customer", subject.customer),
        (How.COPY, "story", subject.story),
    ):
        for case, how in _cases_of(db, subject.brand, kin, source, tally):
            if how is not How.COPY or copied(case.subject.text, subject.text):
                return case, how
    return None


def _cases_of(db: Database, brand: str, kin: Kin, source: str, tally: Tally) -> Iterator[tuple[Case, How]]:
    how, column, value = kin
    for id_, seq in _open_cases(db, brand, column, value, source) if value else ():
        with suppress(Unreadable):  # then it is a case of its own: nothing is lost
            known = tally.read.get(id_)
            yield known if known and known.seq == seq else ledger.case(db, id_), how


def _open_cases(db: Database, brand: str, column: str, value: str, source: str) -> Iterator[tuple[int, int]]:
    """(case, its events). Within one source two posts of one address are two matters: some feeds give every item the
    same."""
    sql = f"SELECT id, seq, post FROM cases WHERE brand = ? AND {column} = ? AND {column} <> '' AND {OPEN} ORDER BY id"
    for row in db.execute(sql, (brand, storable(value))):
        if column != "thread" or not row["post"].startswith(f"{source}:"):
            yield row["id"], row["seq"]


def _answered(db: Database, post: Post, brand: str, at: datetime) -> None:
    """Our own account wrote under a post that somebody has: its first answer is noted."""
    above = (db.dialect.post(db, post.source, storable(id_)) for id_ in dict.fromkeys((post.parent, post.root)) if id_)
    posts = [row["id"] for row in above if row]
    if not posts:
        return
    rows = db.execute(
        f"SELECT DISTINCT case_id FROM mentions WHERE post IN ({marks(len(posts))}) AND brand = ?"
        " AND case_id IS NOT NULL",
        (*posts, brand),
    ).fetchall()
    for row in rows:
        with suppress(Unreadable):
            _answer(db, ledger.case(db, row["case_id"]), post, at)


def _answer(db: Database, case: Case, post: Post, at: datetime) -> None:
    if not (case.status.ended or case.answered):
        key, by = f"{post.source}:{post.id}", post.author.handle or post.author.name
        said = {"by": storable(by), "post": storable(key), "url": storable(post.url)}
        ledger.append(db, case, [Answered(at=at, posted=post.created, **said)])


def columns(post_id: int, given: Given, at: str) -> tuple[Any, ...]:
    """For INSERT."""
    key = (post_id, given.mention.brand, given.state, storable(given.reason), given.case, at)
    return (*key, *judged(given.mention.assessment))


def levels(mentions: Iterable[Mention]) -> set[tuple[Any, ...]]:
    """For LEVEL."""
    judged = ((mention.brand, mention.assessment) for mention in mentions)
    return {(brand, one.verdict, one.priority or "", one.severity) for brand, one in judged if one.severity}
