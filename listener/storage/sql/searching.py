"""The mention history. Answers come from the newest back, and work stops when the page is full.

The index is asked for post ids in falling order, a few at a time; SQL then decides about the mentions of those posts,
and listener.search.holds about their text. When the words alone let too much through, tags in the index (narrowing.py)
pass over the posts of other brands, verdicts and so on. Relevance ranks the newest hits only: ranking every hit of a
common word would take seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from listener.query import Field, Node, document, fold
from listener.search import holds
from listener.storage.contract import MentionRow, Question, Sort
from listener.storage.sql.database import Database, Row
from listener.storage.sql.narrowing import harmless, narrowed
from listener.storage.sql.planning import Plan, plan
from listener.storage.sql.ranking import best_first
from listener.storage.sql.rows import MENTION, mention_row, moment, moment_or_none, stored_post

RANKED = 2_000  # hits that relevance looks at
FEW = 1_000  # hits that are sorted by severity in one go
SOME = 20_000  # hits whose reach is looked up in one go
FIRST_LOOK, LONGEST_LOOK = 64, 256  # posts looked at in one go
ENOUGH = 8  # when fewer than one hit in so many is wanted, reading the lists of the tags is quicker than reading rows
_COLUMNS = f"{MENTION}, p.heard AS arrived, c.owner, c.status, c.outcome, c.promise, c.answered"


def mentions(db: Database, question: Question) -> Iterator[MentionRow]:
    """Lazily; between two pieces nothing is held open."""
    asked, left = plan(db, question), question.limit
    for row in _candidates(db, asked, question):
        if asked.verify is None or _verified(asked.verify, row):
            yield mention_row(row)
            left -= 1
        if left <= 0:
            return


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
    return _newest_first(db, _behind(plan, last), min(max(question.limit, FIRST_LOOK), LONGEST_LOOK))


def _last(db: Database, before: int) -> Row | None:
    """The last row of the page before."""
    sql = (
        "SELECT m.id, m.post, m.severity, coalesce(r.reach, 0) AS reach FROM mentions m"
        " LEFT JOIN reaches r ON r.post = m.post WHERE m.id = ?"
    )
    row: Row | None = db.execute(sql, (before,)).fetchone()
    return row


def _behind(plan: Plan, last: Row | None) -> Plan:
    """What is older than this."""
    if last is None or last["post"] > plan.stretch.high:
        return plan
    return _below(plan, last["post"], last["id"])


def _below(plan: Plan, high: int, below: int = 1 << 62) -> Plan:
    return replace(plan, stretch=replace(plan.stretch, high=high), below=below)


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
        for row in _rows(db, plan, hits):
            yield row
            found += 1
        if len(hits) < look:
            return
        if found * ENOUGH < len(hits):
            expression = db.index.together(plan.words, plan.tags)  # the words alone let too much through
        plan, look = _below(plan, hits[-1] - 1), min(again, LONGEST_LOOK)
        again *= 2


def _rows(db: Database, plan: Plan, posts: Sequence[int]) -> Iterator[Row]:
    """The mentions of these posts that meet the conditions, in the order of the posts; read as they are asked for."""
    for start in range(0, len(posts), FIRST_LOOK):
        piece = posts[start : start + FIRST_LOOK]
        theirs, ids = db.dialect.among("m.post", piece)
        sql = (
            f"SELECT {_COLUMNS} FROM {db.dialect.searched} WHERE {theirs}"
            f" AND {plan.where} AND (m.post < ? OR m.id < ?) ORDER BY m.post DESC, m.id DESC"
        )
        rows = db.execute(sql, (*ids, *plan.given, plan.stretch.high, plan.below)).fetchall()
        place = {post: number for number, post in enumerate(piece)}
        yield from sorted(rows, key=lambda row: place[row["post"]])


def _by_table(db: Database, plan: Plan, look: int) -> Iterator[Row]:
    """Nothing that the index knows: the mentions themselves, backwards."""
    sql = (
        f"SELECT {_COLUMNS} FROM {db.dialect.searched} WHERE m.post BETWEEN ? AND ? AND (m.post < ? OR m.id < ?)"
        f" AND {plan.where} ORDER BY m.post DESC, m.id DESC LIMIT ?"
    )
    low, high, below = plan.stretch.low, plan.stretch.high, plan.below
    while rows := db.execute(sql, (low, high, high, below, *plan.given, look)).fetchall():
        yield from rows
        high, below, look = rows[-1]["post"], rows[-1]["id"], LONGEST_LOOK


def _worst_first(db: Database, plan: Plan, last: Row | None) -> Iterator[Row]:
    """Few hits are sorted; of many, the index gives one severity after the other, each newest first."""
    found = db.index.together(plan.words, plan.tags)
    if found and len(few := db.index.hits(db, found, plan.stretch, FEW)) < FEW:
        rows = sorted(_rows(db, plan, few), key=_severity)
        yield from (row for row in rows if last is None or _severity(row) > _severity(last))
        return
    for level in _levels(db, plan):
        if last is None or level < last["severity"]:
            yield from _of_level(db, plan, level)
        elif level == last["severity"]:
            yield from _of_level(db, _behind(plan, last), level)


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
    if found and len(posts := db.index.hits(db, found, plan.stretch, SOME)) < SOME:
        known = _reach_of(db, posts)
        posts.sort(key=lambda post: (-known.get(post, 0), -post))
        if last is not None:
            behind = (-last["reach"], -last["post"])
            posts = [post for post in posts if (-known.get(post, 0), -post) >= behind]
        yield from _past(_rows(db, plan, posts), last)
        return
    if last is None or last["reach"]:
        yield from _past(_from_the_farthest(db, plan, last), last)
    rest = _behind(plan, last) if last is not None and not last["reach"] else plan
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
        for row in _rows(db, plan, [row["post"] for row in rows]):
            if plan.text is None or _verified(plan.text, row):
                yield row
        reach, post, look = rows[-1]["reach"], rows[-1]["post"] - 1, LONGEST_LOOK


def _best_first(db: Database, plan: Plan) -> Iterator[Row]:
    hits = db.index.hits(db, db.index.together(plan.words, plan.tags), plan.stretch, RANKED)
    yield from _rows(db, plan, best_first(plan.ranked, _said(db, hits)))


def _said(db: Database, posts: Sequence[int]) -> Iterator[tuple[int, str]]:
    """In falling order of their ids, a few texts at a time."""
    for start in range(0, len(posts), LONGEST_LOOK):
        theirs, ids = db.dialect.among("id", posts[start : start + LONGEST_LOOK])
        for row in db.execute(f"SELECT id, title, text FROM posts WHERE {theirs} ORDER BY id DESC", ids).fetchall():
            yield row["id"], fold(f"{row['title']}\n{row['text']}" if row["title"] else row["text"])


def _verified(node: Node, row: Row) -> bool:
    arrived: datetime = moment(row["arrived"])
    facts = {
        **{name: row[name] for name in ("brand", "verdict", "severity", "priority", "cause", "owner", "status")},
        "outcome": row["outcome"],
        "promise": row["promise"],
        "answer": row["answered"],
        "case": row["case_id"],
        "heard": moment(row["heard"]),
        "posted": min(moment_or_none(row["created"]) or arrived, arrived),
    }
    return holds(node, document(stored_post(row)), facts)
