"""The mention history. Answers come from the newest back, and work stops when the page is full.

The index is asked for post ids in falling order, a few at a time; SQL then decides about the mentions of those posts,
and listener.search.holds about their text. When the words alone let too much through, tags in the index (narrowing.py)
pass over the posts of other brands, verdicts and so on. Relevance ranks the newest hits only: ranking every hit of a
common word would take seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import merge
from itertools import chain, islice
from typing import Any

from listener.query import Field, Node, document, fold
from listener.search import holds
from listener.storage.contract import MentionRow, Question, Sort
from listener.storage.sql.database import Database, Parts, Row
from listener.storage.sql.narrowing import harmless, narrowed
from listener.storage.sql.planning import MOST, Plan, plan
from listener.storage.sql.ranking import best_first
from listener.storage.sql.rows import MENTION, mention_row, moment, moment_or_none, stored_post

RANKED = 2_000  # hits that relevance looks at
FEW = 1_000  # hits that are sorted by severity in one go
SOME = 20_000  # hits whose reach is looked up in one go
FIRST_LOOK, LONGEST_LOOK = 64, 256  # posts looked at in one go
ENOUGH = 8  # when fewer than one hit in so many is wanted, reading the lists of the tags is quicker than reading rows
_COLUMNS = f"{MENTION}, p.heard AS arrived, c.owner, c.status, c.outcome, c.promise, c.answered, c.coordinated"


def mentions(db: Database, question: Question) -> Iterator[MentionRow]:
    """Lazily; between two pieces nothing is held open."""
    asked, left = plan(db, question), question.limit
    for row in _candidates(db, asked, question):
        if _meant(asked, question, row):
            yield mention_row(row)
            left -= 1
        if left <= 0:
            return


def _meant(plan: Plan, question: Question, row: Row) -> bool:
    if plan.doubt[0] and row["doubt"]:
        return question.query is None or _verified(question.query, row)
    return plan.verify is None or _verified(plan.verify, row)


def of_case(db: Database, case_id: int) -> tuple[MentionRow, ...]:
    sql = f"SELECT {MENTION} FROM mentions m JOIN posts p ON p.id = m.post WHERE m.case_id = ? ORDER BY m.id"
    return tuple(map(mention_row, db.execute(sql, (case_id,)).fetchall()))


def _candidates(db: Database, plan: Plan, question: Question) -> Iterator[Row]:
    last = _last(db, question.before) if question.before is not None else None
    if question.before is not None and last is None:
        return iter(())
    if question.sort is Sort.SEVERITY:
        return _worst_first(db, plan, last)
    if question.sort is Sort.REACH:
        return _farthest_first(db, plan, last)
    if question.sort is Sort.RELEVANCE and plan.words:
        return _after(_best_first(db, plan), question.before)
    return _newest_first(db, _behind(db, plan, last), min(max(question.limit, FIRST_LOOK), LONGEST_LOOK))


def _last(db: Database, before: int) -> Row | None:
    """The last row of the page before."""
    sql = (
        "SELECT m.id, m.post, m.severity, coalesce(r.reach, 0) AS reach FROM mentions m"
        " LEFT JOIN reaches r ON r.post = m.post WHERE m.id = ?"
    )
    row: Row | None = db.execute(sql, (before,)).fetchone()
    return row


def _behind(db: Database, plan: Plan, last: Row | None) -> Plan:
    """What is older than this."""
    if last is None or last["post"] > plan.stretch.high:
        return plan
    return _below(plan, last["post"], db.dialect.parts(db, [last["post"]]), last["id"])


def _below(plan: Plan, high: int, parts: Parts, below: int = MOST) -> Plan:
    stretch = replace(plan.stretch, high=high, part=next(reversed(parts.values()), ""))
    return replace(plan, stretch=stretch, below=below)


def _after(rows: Iterator[Row], before: int | None) -> Iterator[Row]:
    if before is not None:
        for row in rows:
            if row["id"] == before:
                break
    return rows


def _newest_first(db: Database, plan: Plan, look: int) -> Iterator[Row]:
    if not (plan.words or plan.tags):
        yield from _by_table(db, plan, look)
        return
    expression, again = plan.words or plan.tags, FIRST_LOOK
    while hits := db.index.hits(db, expression, plan.stretch, look):
        found = 0
        for row in _rows(db, plan, list(hits), hits):
            yield row
            found += 1
        if len(hits) < look:
            return
        if found * ENOUGH < len(hits):
            expression = db.index.together(plan.words, plan.tags)  # the words alone let too much through
        plan, look = _below(plan, next(reversed(hits)) - 1, hits), min(again, LONGEST_LOOK)
        again *= 2


def _rows(db: Database, plan: Plan, posts: Sequence[int], parts: Parts) -> Iterator[Row]:
    """The mentions of these posts that meet the conditions, in the order of the posts; read as they are asked for."""
    for start in range(0, len(posts), FIRST_LOOK):
        piece = posts[start : start + FIRST_LOOK]
        rows = [row for part, theirs in by_part(piece, parts).items() for row in _of_part(db, plan, part, theirs)]
        place = {post: number for number, post in enumerate(piece)}
        yield from sorted(rows, key=lambda row: place[row["post"]])


def by_part(posts: Iterable[int], parts: Parts) -> dict[str, list[int]]:
    """In their order."""
    found = dict[str, list[int]]()
    for post in posts:
        found.setdefault(parts[post], []).append(post)
    return found


def _of_part(db: Database, plan: Plan, part: str, posts: Sequence[int]) -> list[Any]:
    theirs, ids = db.dialect.among("m.post", posts)
    columns, doubted = _columns(plan)
    sql = (
        f"SELECT {columns} FROM {db.dialect.searched(part)} WHERE {theirs}"
        f" AND {plan.where} AND (m.post < ? OR m.id < ?) ORDER BY m.post DESC, m.id DESC"
    )
    return db.execute(sql, (*doubted, *ids, *plan.given, plan.stretch.high, plan.below)).fetchall()


def _columns(plan: Plan) -> tuple[str, tuple[Any, ...]]:
    doubt, given = plan.doubt
    return f"{_COLUMNS}, {doubt} AS doubt" if doubt else _COLUMNS, given


def _by_table(db: Database, plan: Plan, look: int) -> Iterable[Row]:
    """Nothing that the index knows: the mentions themselves, backwards."""
    tracks = (
        chain.from_iterable(_backwards(db, plan, look, part) for part in track)
        for track in db.dialect.tracks(db, plan.stretch)
    )
    return merge(*tracks, key=lambda row: (-row["post"], -row["id"]))


def _backwards(db: Database, plan: Plan, look: int, part: str) -> Iterator[Row]:
    columns, doubted = _columns(plan)
    sql = (
        f"SELECT {columns} FROM {db.dialect.searched(part)} WHERE m.post BETWEEN ? AND ? AND (m.post < ? OR m.id < ?)"
        f" AND {plan.where} ORDER BY m.post DESC, m.id DESC LIMIT ?"
    )
    low, high, below = plan.stretch.low, plan.stretch.high, plan.below
    while rows := db.execute(sql, (*doubted, low, high, high, below, *plan.given, look)).fetchall():
        yield from rows
        high, below, look = rows[-1]["post"], rows[-1]["id"], LONGEST_LOOK


def _worst_first(db: Database, plan: Plan, last: Row | None) -> Iterator[Row]:
    """Few hits are sorted; of many, the index gives one severity after the other, each newest first."""
    found = db.index.together(plan.words, plan.tags)
    if found and len(few := db.index.hits(db, found, plan.stretch, FEW)) < FEW:
        rows = sorted(_rows(db, plan, list(few), few), key=_severity)
        yield from (row for row in rows if last is None or _severity(row) > _severity(last))
        return
    for level in _levels(db, plan):
        if last is None or level < last["severity"]:
            yield from _of_level(db, plan, level)
        elif level == last["severity"]:
            yield from _of_level(db, _behind(db, plan, last), level)


def _severity(row: Row) -> tuple[int, int, int]:
    """Worst first, then newest."""
    return -row["severity"], -row["post"], -row["id"]


def _of_level(db: Database, plan: Plan, level: int) -> Iterator[Row]:
    exactly = Field("severity", ":", str(level))
    tags = db.index.expression(narrowed((*plan.columns, exactly))) if level else plan.tags
    where, given = f"{plan.where} AND m.severity = ?", (*plan.given, level)
    at_level = replace(plan, words=db.index.together(plan.words, tags), tags="", where=where, given=given)
    return _newest_first(db, at_level, FIRST_LOOK)


def _levels(db: Database, plan: Plan) -> list[int]:
    """The severities that mentions of this kind have, worst first: the others are not asked for in vain."""
    where, given = plan.levels
    sql = f"SELECT DISTINCT severity FROM levels m WHERE {where or 'true'} ORDER BY severity DESC"
    return [level for (level,) in db.execute(sql, given)] + [0] * harmless(plan.columns)


def _farthest_first(db: Database, plan: Plan, last: Row | None) -> Iterator[Row]:
    """Of not too many hits the farthest are picked; of more, posts are looked at from the farthest down. Those whose
    reach nobody says come last, newest first."""
    found = db.index.together(plan.words, plan.tags)
    if found and len(hits := db.index.hits(db, found, plan.stretch, SOME)) < SOME:
        known = _reach_of(db, list(hits))
        posts = sorted(hits, key=lambda post: (-known.get(post, 0), -post))
        if last is not None:
            behind = (-last["reach"], -last["post"])
            posts = [post for post in posts if (-known.get(post, 0), -post) >= behind]
        yield from _past(_rows(db, plan, posts, hits), last)
        return
    if last is None or last["reach"]:
        yield from _past(_from_the_farthest(db, plan, last), last)
    rest = _behind(db, plan, last) if last is not None and not last["reach"] else plan
    yield from (row for row in _newest_first(db, rest, FIRST_LOOK) if not row["reach"])


def _past(rows: Iterator[Row], last: Row | None) -> Iterator[Row]:
    """Without the last row's own post as far as it was shown."""
    return (row for row in rows if last is None or row["post"] != last["post"] or row["id"] < last["id"])


def _reach_of(db: Database, posts: Sequence[int]) -> dict[int, int]:
    found = dict[int, int]()
    for start in range(0, len(posts), FEW):
        theirs, ids = db.dialect.among("post", posts[start : start + FEW])
        found |= {row[0]: row[1] for row in db.execute(f"SELECT post, reach FROM reaches WHERE {theirs}", ids)}
    return found


def _from_the_farthest(db: Database, plan: Plan, last: Row | None) -> Iterator[Row]:
    sql = (
        "SELECT post, reach FROM reaches WHERE (reach < ? OR (reach = ? AND post <= ?)) AND post BETWEEN ? AND ?"
        " ORDER BY reach DESC, post DESC LIMIT ?"
    )
    (reach, post), look = (last["reach"], last["post"]) if last is not None else (1 << 62, 1 << 62), FIRST_LOOK
    while rows := db.execute(sql, (reach, reach, post, plan.stretch.low, plan.stretch.high, look)).fetchall():
        posts = [row["post"] for row in rows]
        for row in _rows(db, plan, posts, db.dialect.parts(db, posts)):
            if plan.text is None or _verified(plan.text, row):
                yield row
        reach, post, look = rows[-1]["reach"], rows[-1]["post"] - 1, LONGEST_LOOK


def _best_first(db: Database, plan: Plan) -> Iterator[Row]:
    hits = db.index.hits(db, db.index.together(plan.words, plan.tags), plan.stretch, RANKED)
    yield from _rows(db, plan, best_first(plan.ranked, _said(db, hits)), hits)


def _said(db: Database, hits: Parts) -> Iterator[tuple[int, str]]:
    """In falling order of their ids, a few texts at a time."""
    for start in range(0, len(hits), LONGEST_LOOK):
        yield from sorted(_texts(db, islice(hits, start, start + LONGEST_LOOK), hits), reverse=True)


def _texts(db: Database, posts: Iterable[int], hits: Parts) -> Iterator[tuple[int, str]]:
    for part, some in by_part(posts, hits).items():
        theirs, ids = db.dialect.among("id", some)
        for row in db.execute(f"SELECT id, title, text FROM {db.dialect.posts(part)} WHERE {theirs}", ids).fetchall():
            yield row["id"], fold(f"{row['title']}\n{row['text']}" if row["title"] else row["text"])


def _verified(node: Node, row: Row) -> bool:
    arrived: datetime = moment(row["arrived"])
    facts = {
        **{name: row[name] for name in ("brand", "verdict", "severity", "priority", "cause", "owner", "status")},
        "outcome": row["outcome"],
        "promise": row["promise"],
        "answer": row["answered"],
        "coordination": row["coordinated"],
        "case": row["case_id"],
        "heard": moment(row["heard"]),
        "posted": min(moment_or_none(row["created"]) or arrived, arrived),
    }
    return holds(node, document(stored_post(row)), facts)
