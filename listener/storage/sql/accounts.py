"""Counting what is there, and finding rows that contradict each other."""

from listener.storage.contract import Balance, Finding, State
from listener.storage.sql.database import Database
from listener.storage.sql.rows import OPEN

_STATES = ", ".join(f"'{state}'" for state in State)
FOUND_AT_MOST = 100  # of each kind

CONTRADICTIONS = {  # check -> (rows that must not be there, what is wrong with each)
    "every post has one state": (
        f"SELECT 'post ' || source || ':' || external_id FROM posts WHERE state NOT IN ({_STATES})",
        "is in no state that there is",
    ),
    "a matched post has a mention": (
        "SELECT 'post ' || source || ':' || external_id FROM posts p WHERE state NOT IN ('not matched', 'erased')"
        " AND NOT EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id)",
        "is kept, but no brand was found in it",
    ),
    "an unmatched post has none": (
        "SELECT 'mention ' || m.id FROM posts p JOIN mentions m ON m.post = p.id WHERE p.state = 'not matched'",
        "belongs to a post that no brand was found in",
    ),
    "every matched post can be found": (
        "SELECT 'post ' || source || ':' || external_id FROM posts WHERE state NOT IN ('not matched', 'erased')"
        " AND NOT EXISTS (SELECT 1 FROM {index} i WHERE i.{post} = posts.id)",
        "is missing from the text index",
    ),
    "nothing else can be found": (
        "SELECT 'index row ' || i.{post} FROM {index} i WHERE NOT EXISTS"
        " (SELECT 1 FROM posts p WHERE p.id = i.{post} AND p.state NOT IN ('not matched', 'erased'))",
        "is in the text index without a post",
    ),
    "every severity can be searched for": (
        "SELECT 'mention ' || id FROM mentions m WHERE severity > 0 AND NOT EXISTS (SELECT 1 FROM levels l WHERE"
        " l.brand = m.brand AND l.verdict = m.verdict AND l.priority = m.priority AND l.severity = m.severity)",
        "has a severity that a search by severity would pass over",
    ),
    "the charts count every mention": (
        "SELECT 'tallies of ' || brand || ', ' || verdict FROM (SELECT brand, verdict, mentions AS n FROM {counted}"
        " WHERE facet = 'day' UNION ALL SELECT brand, verdict, -1 FROM mentions WHERE state <> 'erased') AS both_ways"
        " GROUP BY brand, verdict HAVING sum(n) <> 0",
        "count other mentions than there are",
    ),
    "an escalated mention has a case": (
        "SELECT 'mention ' || id FROM mentions WHERE state IN ('escalated', 'joined to case', 'dismissed')"
        " AND (case_id IS NULL OR NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = case_id))",
        "was given to somebody, but there is no case",
    ),
    "a kept mention has none": (
        "SELECT 'mention ' || id FROM mentions WHERE state IN ('kept', 'suppressed by rule') AND case_id IS NOT NULL",
        "is only kept, but has a case",
    ),
    "an open case has an owner and a deadline": (
        f"SELECT 'case ' || id FROM cases WHERE {OPEN} AND (owner = '' OR due IS NULL)",
        "is open without an owner or a deadline",
    ),
    "a case has its timeline": (
        "SELECT 'case ' || id FROM cases c WHERE seq <> (SELECT count(*) FROM events e WHERE e.case_id = c.id)"
        " OR seq <> (SELECT max(seq) FROM events e WHERE e.case_id = c.id)",
        "has other events than its row says",
    ),
    "a timeline has its case": (
        "SELECT 'case ' || case_id FROM events WHERE seq = 1"
        " AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = case_id)",
        "has a timeline, and no look sees it",
    ),
    "a notice waits or is given up": (
        "SELECT 'notice ' || key FROM notices WHERE sent_at IS NULL AND dead = 0 AND next_try IS NULL",
        "is owed, but will never be tried",
    ),
    "a notice arrives": (
        "SELECT 'notice ' || key FROM notices WHERE sent_at IS NULL AND dead = 1",
        "was given up; `listener doctor` says what to mend",
    ),
}


def balance(db: Database) -> Balance:
    """Reads everything: an audit, not a dashboard."""
    posts: dict[str, dict[str, int]] = {}
    for source, state, count in db.execute("SELECT source, state, count(*) FROM posts GROUP BY source, state"):
        posts.setdefault(source, {})[state] = count
    return Balance(
        fetched=_pairs(db, "SELECT name, fetched FROM sources"),
        posts=posts,
        mentions=_pairs(db, "SELECT state, count(*) FROM mentions GROUP BY state"),
        owed=_count(db, "SELECT count(*) FROM notices WHERE sent_at IS NULL AND dead = 0"),
        undeliverable=_count(db, "SELECT count(*) FROM notices WHERE sent_at IS NULL AND dead = 1"),
        findings=tuple(_contradictions(db)),
    )


def nothing_counted(damage: tuple[Finding, ...]) -> Balance:
    """The store cannot be read as it should."""
    return Balance(fetched={}, posts={}, mentions={}, owed=0, undeliverable=0, findings=damage, damaged=True)


def _pairs(db: Database, sql: str) -> dict[str, int]:
    return {row[0]: row[1] for row in db.execute(sql)}


def _count(db: Database, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])


def _contradictions(db: Database) -> list[Finding]:
    return [
        Finding(check=check, where=where, problem=problem)
        for check, (sql, problem) in CONTRADICTIONS.items()
        for (where,) in db.execute(f"{sql.format(**db.index.listed, counted=db.dialect.counted)} LIMIT {FOUND_AT_MOST}")
    ]
