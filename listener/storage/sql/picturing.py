"""What a search came to, counted: from the tallies where they know it, else from the newest that are found.

The tallies answer whatever asks for brand, verdict, time and at most one fact more. Days that lie wholly in the time
asked for come from them; of the two at its ends the mentions themselves are counted, so that the numbers are exact.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from listener.query import Field, fold
from listener.search import compared, split
from listener.storage.contract import Picture, Question
from listener.storage.sql import tallies
from listener.storage.sql.database import Database
from listener.storage.sql.planning import Plan, plan
from listener.storage.sql.searching import by_part, mentions
from listener.storage.sql.tallies import DAY, FACETS, HOUR, POSTED

NEWEST = 20_000  # posts that are counted where the tallies cannot help
READ = 5_000  # mentions, where each has to be read
EDGE = 50_000  # posts that are looked at for one end of the time
FINE = timedelta(days=92)  # within which hours are told apart
WHOLE_DAY = timedelta(days=1)
_GROUPS = f"m.brand, m.verdict, p.source, m.cause, m.priority, m.severity, substr({POSTED}, 1, 13)"


@dataclass(slots=True)
class _Sum:
    unit: str
    times: dict[tuple[datetime, str, str], list[int]] = field(default_factory=dict)
    by: dict[str, Counter[str]] = field(default_factory=dict)
    total: int = 0

    def time(self, at: str, brand: str, verdict: str, count: int, severity: int) -> None:
        length = 13 if self.unit == HOUR else 10
        begins = datetime.fromisoformat(at[:length] if length == 10 else f"{at[:13]}:00").replace(tzinfo=UTC)
        row = self.times.setdefault((begins, brand, verdict), [0, 0])
        row[0] += count
        row[1] += severity
        self.total += count

    def fact(self, facet: str, value: str, count: int) -> None:
        self.by.setdefault(facet, Counter())[value] += count

    def rows(self, rows: Iterable[Sequence[Any]], facets: Iterable[str]) -> None:
        """Grouped as in _GROUPS, with their count."""
        for brand, verdict, source, cause, priority, severity, at, count in rows:
            self.time(at, brand, verdict, count, severity * count)
            facts = {"source": source, "cause": cause, "priority": priority, "severity": str(severity)}
            for facet in facets:
                self.fact(facet, facts[facet], count)

    def picture(self, *, more: bool = False) -> Picture:
        return Picture(
            total=self.total,
            more=more,
            hours=self.unit == HOUR,
            times={key: (count, severity) for key, (count, severity) in self.times.items() if count},
            by={facet: dict(+counts) for facet, counts in self.by.items()},
        )


def picture(db: Database, question: Question) -> Picture:
    known = _known(db, question)
    return _tallied(db, question, known) if known else _newest(db, question)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the tallies are asked for."""

    brands: tuple[str, ...] | None = None  # None: all
    verdict: str = ""
    facet: str = ""
    values: tuple[str, ...] = ()
    since: datetime | None = None  # whole days
    until: datetime | None = None
    edges: tuple[Plan, ...] = ()  # what lies in that time beside them
    fields: tuple[Field, ...] = ()  # all that is asked for


def _known(db: Database, question: Question) -> _Known | None:
    """None when they do not know it."""
    parts = split(question.query)
    fields = [node for node in parts.columns if isinstance(node, Field) and node.name in ("brand", "verdict", *FACETS)]
    facets = {one.name for one in fields if one.name in FACETS}
    if parts.text is not None or len(fields) < len(parts.columns) or len(facets) > 1:
        return None
    found = _Known()
    for one in fields:
        if one.name == "verdict":
            if found.verdict not in ("", one.value):
                return None
            found = replace(found, verdict=one.value)
            continue
        values = tuple(value for value in tallies.names(db, one.name) if _fits(one, value))
        held = found.brands if one.name == "brand" else found.values if found.facet else None
        values = values if held is None else tuple(value for value in values if value in held)
        found = replace(found, brands=values) if one.name == "brand" else replace(found, facet=one.name, values=values)
    return _dated(db, question, replace(found, fields=tuple(fields)))


def _fits(field: Field, value: str) -> bool:
    if field.name == "severity":
        return compared(int(value), field.op, int(field.value))
    return fold(value) == field.value


def _dated(db: Database, question: Question, known: _Known) -> _Known | None:
    since, until = question.since, question.until
    first, last = _midnight(since, up=True), _midnight(until, up=False)
    if first and last and first >= last:
        spans = [(since, until)]
        first = last = None if since is None else since
    else:
        spans = [(a, b) for a, b in ((since, first), (last, until)) if a and b and a < b]
    edges = tuple(plan(db, replace(question, since=a, until=b)) for a, b in spans)
    if any(edge.stretch.high - edge.stretch.low > EDGE for edge in edges):
        return None
    return replace(known, since=first, until=last, edges=edges)


def _midnight(at: datetime | None, *, up: bool) -> datetime | None:
    if at is None:
        return None
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + WHOLE_DAY if up and day < at else day


def _tallied(db: Database, question: Question, known: _Known) -> Picture:
    fine = not known.facet and question.since is not None
    fine = fine and (question.until or datetime.max.replace(tzinfo=UTC)) - question.since <= FINE  # type: ignore[operator]
    sums = _Sum(HOUR if fine else DAY)
    where, given = _where(known)
    sql = (
        f"SELECT at, brand, verdict, sum(mentions), sum(severity) FROM {db.dialect.counted} WHERE facet = ? AND {where}"
    )
    for row in db.execute(f"{sql} GROUP BY at, brand, verdict", (known.facet or sums.unit, *given)):
        sums.time(*row)
    facets = (known.facet,) if known.facet else FACETS
    for facet in facets:
        sql = f"SELECT value, sum(mentions) FROM {db.dialect.counted} WHERE facet = ? AND {where} GROUP BY value"
        for value, count in db.execute(sql, (facet, *given)):
            sums.fact(facet, value, count)
    for edge in known.edges:
        rows = _grouped(db, edge, "m.post BETWEEN ? AND ?", (edge.stretch.low, edge.stretch.high))
        sums.rows([row for row in rows if _asked_for(known.fields, row)], facets)
    return sums.picture()


def _asked_for(fields: Iterable[Field], row: Sequence[Any]) -> bool:
    """A database that is not sure of every letter lets some pass that were not asked for."""
    brand, verdict, source, cause, priority, severity, *_ = row
    facts = {"brand": brand, "verdict": verdict, "source": source, "cause": cause, "priority": priority}
    return all(_fits(one, str({**facts, "severity": severity}[one.name])) for one in fields)


def _where(known: _Known) -> tuple[str, tuple[Any, ...]]:
    parts, given = ["true"], list[Any]()
    for column, values in (("brand", known.brands), ("value", known.values if known.facet else None)):
        if values is not None:
            parts.append(f"{column} IN ({','.join('?' * len(values))})" if values else "false")
            given += values
    if known.verdict:
        parts.append("verdict = ?")
        given.append(known.verdict)
    for op, at in ((">=", known.since), ("<", known.until)):
        if at:
            parts.append(f"at {op} ?")
            given.append(at.isoformat()[:10])
    return " AND ".join(parts), tuple(given)


def _grouped(db: Database, plan: Plan, posts: str, ids: Sequence[Any], part: str = "") -> list[Any]:
    sql = (
        f"SELECT {_GROUPS}, count(*) FROM {db.dialect.searched(part)} WHERE {posts} AND {plan.where} GROUP BY {_GROUPS}"
    )
    return db.execute(sql, (*ids, *plan.given)).fetchall()


def _newest(db: Database, question: Question) -> Picture:
    asked, sums = plan(db, question), _Sum(DAY)
    expression = db.index.together(asked.words, asked.tags)
    if asked.verify is not None or asked.doubt[0] or not expression:
        return _read(db, question, sums)
    hits = db.index.hits(db, expression, asked.stretch, NEWEST)
    for part, posts in by_part(hits, hits).items():
        for start in range(0, len(posts), 500):
            theirs, ids = db.dialect.among("m.post", posts[start : start + 500])
            sums.rows(_grouped(db, asked, theirs, ids, part), FACETS)
    return sums.picture(more=len(hits) == NEWEST)


def _read(db: Database, question: Question, sums: _Sum) -> Picture:
    for row in _posted(db, question):
        sums.rows([row], FACETS)
    return sums.picture(more=sums.total == READ)


def _posted(db: Database, question: Question) -> Iterator[Sequence[Any]]:
    for row in mentions(db, replace(question, limit=READ)):
        at = min(row.created or row.heard, row.heard).astimezone(UTC).isoformat()
        yield row.brand, row.verdict, row.source, row.cause, row.priority, row.severity, at, 1
