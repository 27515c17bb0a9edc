"""Python values <-> columns. Pure. Times are ISO 8601 in UTC and of one length, so that they sort as text."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Hearing
from connectors.post import Author, Post
from listener.storage.contract import CaseRow, MentionRow, SourceState, Span, State
from listener.storage.sql.database import Row
from listener.triage import Assessment


def stamp(at: datetime) -> str:
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="microseconds")


def stamp_or_none(at: datetime | None) -> str | None:
    return stamp(at) if at else None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def moment_or_none(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def storable(text: str) -> str:
    """A lone surrogate is no Unicode text and other tools could not read the file: each becomes U+FFFD. NULs stay."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


OPEN = "status IN ('open', 'acknowledged', 'reported')"  # literal, so that the partial indexes are used

COUNTED_AS = "CASE WHEN state = 'erased' THEN state ELSE verdict END"  # of a mention, in a digest

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def as_json(value: Any) -> str:
    """Readable in any tool that opens the file."""
    return storable(_JSON.encode(value))


def marks(count: int) -> str:
    """For IN; of nothing nothing is found."""
    return ",".join("?" * count) or "NULL"


POST = (
    "id source external_id fingerprint state heard created url title text handle author kind lang site parent facts"
).split()


def post_columns(post_id: int, post: Post, state: State, at: str) -> tuple[Any, ...]:
    """A post that no query matched leaves its name, so that it is known again, and nothing of what it said."""
    key = (post_id, post.source, storable(post.id), post.fingerprint, state, at)
    if state is State.NOT_MATCHED:
        return (*key, None, "", "", "", "", "", post.kind, "", "", "", "")
    created, author = stamp_or_none(post.created), post.author
    said = (post.url, post.title, post.text, author.handle, author.name, post.lang, post.site, post.parent)
    if not "".join(said).isascii():
        said = tuple(map(storable, said))  # type: ignore[assignment]
    url, title, text, handle, name, lang, site, parent = said
    return (*key, created, url, title, text, handle, name, post.kind, lang, site, parent, _facts(post))


def posted(columns: tuple[Any, ...]) -> str:
    """When a post was written, of its columns: nobody hears it before."""
    heard, created = columns[_HEARD], columns[_CREATED]
    return str(created if created and created < heard else heard)


_HEARD, _CREATED = POST.index("heard"), POST.index("created")
REACHED = "INSERT INTO reaches (post, reach) VALUES (?, ?) ON CONFLICT (post) DO UPDATE SET reach = excluded.reach"


FACTS = "root author_url followers replies reposts likes views".split()
_NONE_TOLD = ("", "", None, None, None, None, None)


def _facts(post: Post) -> str:
    """What the source said beside the text, for later questions; most posts have none."""
    reach, author = post.reach, post.author
    told = (post.root, author.url, author.followers, reach.replies, reach.reposts, reach.likes, reach.views)
    if told == _NONE_TOLD and not post.extra:
        return ""
    facts = {**dict(zip(FACTS, told, strict=True)), **post.extra}
    return as_json({name: value for name, value in facts.items() if value not in (None, "")})


def stored_post(row: Row) -> Post:
    """The post as far as a query can ask about it."""
    return Post(
        source=row["source"],
        id=row["external_id"],
        url=row["url"],
        text=row["text"],
        title=row["title"],
        author=Author(handle=row["handle"], name=row["author"]),
        lang=row["lang"],
        site=row["site"],
        kind=row["kind"],
        parent=row["parent"],
    )


def judged(assessment: Assessment) -> tuple[Any, ...]:
    """verdict, complaint, severity, priority, cause, reasons."""
    one = assessment
    return (one.verdict, one.complaint, one.severity, one.priority or "", storable(one.cause), _reasons(one))


def _reasons(assessment: Assessment) -> str:
    if not assessment.reasons:
        return "[]"
    return as_json([(r.factor, r.points, r.words, r.start, r.end) for r in assessment.reasons])


REASON = ("factor", "points", "words", "start", "end")


def wordless(reasons: str) -> str:
    """The same reasons without what the post said."""
    return as_json([(factor, points, "", 0, 0) for factor, points, *_ in json.loads(reasons)])


MENTION = (
    "m.id, m.post, m.brand, m.heard, m.verdict, m.complaint, m.severity, m.priority, m.cause, m.state, m.reason,"
    " m.case_id, m.reasons, p.source, p.external_id, p.url, p.handle, p.author, p.title, p.created, p.text, p.kind,"
    " p.lang, p.site, p.parent, (SELECT r.reach FROM reaches r WHERE r.post = m.post) AS reach"
)


def mention_row(row: Row) -> MentionRow:
    """By place, as MENTION has them: a search makes many, and looking up a column by its name takes longer."""
    id_, _, brand, heard, verdict, complaint, severity, priority, cause, state, reason, case, reasons = row[:13]
    source, _, url, handle, author, title, created, text = row[13:21]
    return MentionRow(
        id=id_,
        brand=brand,
        source=source,
        url=url,
        author=author or handle,
        title=title,
        created=moment_or_none(created),
        heard=moment(heard),
        text=text,
        verdict=verdict,
        complaint=complaint,
        severity=severity,
        priority=priority,
        cause=cause,
        state=State(state),
        reason=reason,
        case=case,
        reasons=tuple(dict(zip(REASON, each, strict=True)) for each in json.loads(reasons)),
        reach=row[25] or 0,
    )


def case_row(row: Row) -> CaseRow:
    return CaseRow(
        id=row["id"],
        brand=row["brand"],
        status=row["status"],
        priority=row["priority"],
        severity=row["severity"],
        owner=row["owner"],
        due=moment_or_none(row["due"]),
        opened=moment(row["opened"]),
        promise=row["promise"],
        posts=row["posts"],
        title=row["title"],
        incident=bool(row["incident"]),
        within=row["within"],
        offered=tuple(filter(None, row["offered"].split("\n"))),
        deadline=moment_or_none(row["deadline"] or row["due"]),
        missed=bool(row["missed"]),
    )


def source_state(row: Row) -> SourceState:
    return SourceState(
        name=row["name"],
        cursor=json.loads(row["cursor"]),
        next_poll=moment_or_none(row["next_poll"]),
        last_heard=moment_or_none(row["last_heard"]),
        failures=row["failures"],
        failing_since=moment_or_none(row["failing_since"]),
        error=row["error"],
        told_silent=bool(row["told_silent"]),
        fetched=row["fetched"],
        hearing=Hearing(row["hearing"]),
    )


def span(row: Row) -> Span:
    return Span(
        source=row["source"],
        hearing=Hearing(row["hearing"]),
        since=moment(row["since"]),
        until=moment(row["until"]),
        polls=row["polls"],
        note=row["note"],
    )


FURTHEST = (State.ESCALATED, State.JOINED, State.DISMISSED, State.SUPPRESSED, State.KEPT)


def furthest(states: Iterable[str]) -> State:
    """A post is where the furthest of its mentions is."""
    there = set(states)
    return next((state for state in FURTHEST if state in there), State.NOT_MATCHED)
