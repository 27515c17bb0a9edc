"""How many mentions there are of each kind in each hour and day: kept with them, in the same transaction.

So a chart over a year reads a few thousand rows, and not a million.

A row counts one brand's mentions of one verdict in a stretch of time, by one fact more: `facet` names that fact and
`value` is what it is. Erased mentions do not count. What a batch changes is gathered and written in one statement, in
the order of the keys, so that two who write at once wait for each other and never in a circle.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from listener.storage.contract import Mention
from listener.storage.sql.database import Database
from listener.storage.sql.rows import storable

HOUR, DAY = "hour", "day"  # of all facts; the others are counted by day
FACETS = ("source", "cause", "priority", "severity")
HOUR_OF, DAY_OF = 13, 10  # so much of an ISO time
POSTED = "CASE WHEN p.created < p.heard THEN p.created ELSE p.heard END"
COLUMNS = "facet, value, brand, verdict, at, mentions, severity"
ADDED = (
    "ON CONFLICT (facet, value, brand, verdict, at)"
    " DO UPDATE SET mentions = tallies.mentions + excluded.mentions, severity = tallies.severity + excluded.severity"
)
_VALUE = {
    HOUR: "''", DAY: "''", "source": "p.source", "cause": "m.cause", "priority": "m.priority",
    "severity": "CAST(m.severity AS TEXT)",
}  # fmt: skip

Key = tuple[str, str, str, str, str]  # facet, value, brand, verdict, at
Judged = tuple[str, str, int, str, str]  # brand, verdict, severity, priority, cause


@dataclass(slots=True)
class Delta:
    """What a transaction changes."""

    rows: dict[Key, list[int]] = field(default_factory=dict)

    def new(self, source: str, posted: str, mentions: Iterable[Mention]) -> None:
        for mention in mentions:
            one = mention.assessment
            self.count(
                source, posted, (mention.brand, one.verdict, one.severity, one.priority or "", storable(one.cause)), 1
            )

    def count(self, source: str, posted: str, judged: Judged, sign: int) -> None:
        brand, verdict, severity, priority, cause = judged
        day, weight = posted[:DAY_OF], sign * severity
        for key in (
            (HOUR, "", brand, verdict, posted[:HOUR_OF]),
            (DAY, "", brand, verdict, day),
            ("source", source, brand, verdict, day),
            ("cause", cause, brand, verdict, day),
            ("priority", priority, brand, verdict, day),
            ("severity", str(severity), brand, verdict, day),
        ):
            row = self.rows.get(key)
            if row is None:
                self.rows[key] = [sign, weight]
            else:
                row[0] += sign
                row[1] += weight

    def stored(self, db: Database, post: int, sign: int) -> None:
        """A post as it stands: once before something about it changes (-1), and once after (1)."""
        sql = (
            f"SELECT p.source, {POSTED} AS posted, m.brand, m.verdict, m.severity, m.priority, m.cause FROM mentions m"
            " JOIN posts p ON p.id = m.post WHERE m.post = ? AND m.state <> 'erased'"
        )
        for source, posted, *judged in db.execute(sql, (post,)).fetchall():
            self.count(source, posted, tuple(judged), sign)

    def write(self, db: Database) -> None:
        rows = [(*key, *change) for key, change in sorted(self.rows.items()) if any(change)]
        if rows:
            db.executemany(db.dialect.count, rows)
        self.rows.clear()


def recount(facet: str) -> str:
    """SQL for all rows of a facet, counted anew: for a store that was there before them, and for whoever doubts."""
    at = f"substr({POSTED}, 1, {HOUR_OF if facet == HOUR else DAY_OF})"
    value = "" if facet in (HOUR, DAY) else f", {_VALUE[facet]}"
    return (
        f"SELECT '{facet}', {_VALUE[facet]}, m.brand, m.verdict, {at}, count(*), sum(m.severity) FROM mentions m"
        f" JOIN posts p ON p.id = m.post WHERE m.state <> 'erased' GROUP BY m.brand, m.verdict, {at}{value}"
    )


def counted_anew(db: Database) -> None:
    for facet in (HOUR, DAY, *FACETS):
        db.execute(f"INSERT INTO tallies ({COLUMNS}) {recount(facet)}")


def names(db: Database, facet: str) -> tuple[str, ...]:
    """The values that there are; of brands with "brand"."""
    if facet == "brand":
        rows: list[Any] = db.execute(
            f"SELECT DISTINCT brand FROM {db.dialect.counted} WHERE facet = ?", (DAY,)
        ).fetchall()
    else:
        rows = db.execute(f"SELECT DISTINCT value FROM {db.dialect.counted} WHERE facet = ?", (facet,)).fetchall()
    return tuple(name for (name,) in rows)
