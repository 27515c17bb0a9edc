"""What the full-text index holds of a post: its words, its author, and tags that stand for what was judged of it.

Tags let a search skip posts of other brands or verdicts inside the index; SQL still has the last word. What is put in
can be made again from the tables at any time, and must be told exactly to be taken out.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from connectors.post import Post
from listener.query import fold, index_text
from listener.storage.sql.database import Database, IndexRow, Row
from listener.storage.sql.rows import storable, stored_post

Facts = tuple[str, str, str, int, bool]  # brand, verdict, priority, severity, has a case


def entry(post_id: int, post: Post, facts: Iterable[Facts]) -> IndexRow:
    """The index's row for a post; the same for the post as it is stored. Pure."""
    said = f"{post.title}\n{post.text}" if post.title else post.text
    author = f"{post.author.handle} {post.author.name}"
    return post_id, index_text(storable(said)), index_text(storable(author)), tags(post.source, tuple(facts))


@lru_cache(4096)
def tags(source: str, mentions: tuple[Facts, ...]) -> str:
    """Pure. The words are made so that `tag` finds them again. A severity of 0 has none: most posts have that."""
    found = {tag("source", source)}
    for brand, verdict, priority, severity, case in mentions:
        found |= {tag("brand", brand), tag("verdict", verdict), judged(brand, verdict)}
        if severity:
            found |= {tag("severity", str(severity)), band(severity), band(severity, brand)}
        if priority:
            found.add(tag("priority", priority))
        if case:
            found.add(tag("has", "case"))
    return " ".join(sorted(found))


@lru_cache(4096)
def tag(name: str, value: str) -> str:
    """One word for a fact, whatever the value is made of."""
    plain = fold(value)
    if not (plain.isascii() and plain.isalnum()):
        plain = blake2b(plain.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return f"{name}_{plain}"


def judged(brand: str, verdict: str) -> str:
    """One word for two facts: what is asked for together is found without reading either list to its end."""
    return f"{tag('brand', brand)}_{tag('verdict', verdict)}"


def band(severity: int, brand: str = "") -> str:
    """Ten severities, of all brands or of one."""
    return f"{tag('brand', brand)}_band_{severity // 10}" if brand else f"band_{severity // 10}"


def indexed(db: Database, post_id: int) -> IndexRow:
    """What the index holds, or must hold, of a stored post."""
    return _entry(db, db.execute("SELECT * FROM posts WHERE id = ?", (post_id,)).fetchone())


def after(db: Database, post_id: int, limit: int) -> list[IndexRow]:
    """The same for the next posts that are to be found."""
    sql = "SELECT * FROM posts WHERE id > ? AND state NOT IN ('not matched', 'erased') ORDER BY id LIMIT ?"
    return [_entry(db, post) for post in db.execute(sql, (post_id, limit)).fetchall()]


def _entry(db: Database, post: Row) -> IndexRow:
    sql = "SELECT brand, verdict, priority, severity, case_id IS NOT NULL FROM mentions WHERE post = ?"
    facts = db.execute(sql, (post["id"],)).fetchall()
    return entry(post["id"], stored_post(post), (tuple(each) for each in facts))
