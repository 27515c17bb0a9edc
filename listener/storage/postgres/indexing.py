"""The full-text index in PostgreSQL: a tsvector of the words that listener/query has cut, and a GIN over it.

PostgreSQL's own parser is not asked: what a query means must not depend on the store. The words have no places, for GIN
would not use them: a phrase is found as all of its words and held against the text afterwards. Marks tell the author's
words and the tags from what was said; no word has a mark in it
(https://www.postgresql.org/docs/current/datatype-textsearch.html).
"""

from collections.abc import Iterable, Mapping, Sequence

from listener.query import And, Near, Node, Not, Or, Word
from listener.query.text import WORD
from listener.storage.postgres import months
from listener.storage.sql.database import Ask, Database, IndexRow, Parts, Stretch

MARK = {"body": "", "author": "@", "tags": "#"}
LONGEST = 400  # letters of a word; PostgreSQL takes 2,046 bytes
MOST = 900_000  # bytes of all the words of a post; PostgreSQL takes a megabyte
SURELY_WHOLE = 9_000  # characters; folded one becomes 18 at most, of four bytes
CUT = "~"  # stands for words that were too many, and is found by every search

INSERT = "INSERT INTO post_words (post, heard, words) VALUES (?, ?, array_to_tsvector(string_to_array(?, ' ')))"
HITS = "SELECT post, part FROM hits(?, ?, ?, ?, ?, ?)"


class Tsvector:
    listed: Mapping[str, str] = {"index": "post_words", "post": "post"}
    doubt = f"length(p.text) + length(p.title) > {SURELY_WHOLE}"  # of words that were cut

    def add(self, db: Database, heard: str, rows: Sequence[IndexRow]) -> None:
        db.executemany(INSERT, [(post, heard, lexemes(*said)) for post, *said in rows])

    def take_out(self, db: Database, post: int) -> None:
        db.execute("DELETE FROM post_words WHERE post = ?", (post,))

    def tidy(self, db: Database) -> None:
        """Autovacuum does."""

    def forgotten(self, db: Database) -> None:
        """A deleted row is nowhere to be read; its space is used again after the next vacuum."""

    def expression(self, asks: Iterable[Ask]) -> str:
        each = [words for column, node in asks if (words := tsquery(node, MARK[column]))]
        return f"({' & '.join(each)}) | '{CUT}'" if each else ""

    def exact(self, node: Node) -> bool:
        return exact(node)

    def together(self, *expressions: str) -> str:
        return " & ".join(f"({each})" for each in expressions if each)

    def hits(self, db: Database, expression: str, where: Stretch, limit: int) -> Parts:
        """Month by month, the newest first, in one call (schema.py)."""
        since, latest = months.bounds(where)
        given = (expression, where.low, where.high, since, latest, limit)
        found = dict(db.execute(HITS, given).fetchall())
        return {post: found[post] for post in sorted(found, reverse=True)[:limit]}


def lexemes(body: str, author: str, tags: str) -> str:
    """Each once, parted by blanks."""
    said = zip(MARK.values(), (body, author, tags), strict=True)
    found = {f"{mark}{word[:LONGEST]}" for mark, text in said for word in text.split()}
    joined = " ".join(found)
    return joined if len(joined) < MOST // 4 or len(joined.encode()) < MOST else _cut(found)


def _cut(words: Iterable[str]) -> str:
    """Tags and authors stay; of the words as many as there is room for."""
    kept, room = [CUT], MOST
    for word in sorted(words, key=lambda word: word[0] not in "#@"):
        room -= len(word.encode())
        if room < 0:
            break
        kept.append(word)
    return " ".join(kept)


def tsquery(node: Node, mark: str = "") -> str:
    """Finds at least everything that matches; "" when the index cannot narrow it down. Pure."""
    match node:
        case Word(text=text, prefix=prefix):
            words = [f"'{mark}{word[:LONGEST]}'" for word in WORD.findall(text)]
            return f"({' & '.join(words)}{':*' if prefix else ''})" if words else ""
        case Near(left=left, right=right):
            return tsquery(And((left, right)), mark)
        case And(items=items):
            parts = [part for item in items if (part := tsquery(item, mark))]
            without = [f"!{tsquery(item.item, mark)}" for item in items if isinstance(item, Not) and _exact(item.item)]
            return f"({' & '.join([*parts, *without])})" if parts else ""
        case Or(items=items):
            each = [tsquery(item, mark) for item in items]
            return f"({' | '.join(each)})" if all(each) else ""
        case _:
            return ""


def exact(node: Node) -> bool:
    """Does `tsquery` find nothing but what matches? Pure."""
    match node:
        case And(items=items):
            said = [item for item in items if not isinstance(item, Not)]
            return bool(said) and all(_exact(item.item) if isinstance(item, Not) else exact(item) for item in items)
        case Or(items=items):
            return all(exact(item) for item in items)
        case _:
            return _exact(node)


def _exact(node: Node) -> bool:
    """One whole word is surely found as it stands."""
    match node:
        case Word(text=text):
            return len(text) < LONGEST and WORD.fullmatch(text) is not None
        case Or(items=items) | And(items=items):
            return all(_exact(item) for item in items)
        case _:
            return False
