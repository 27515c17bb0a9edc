"""Every brand's query over a post in one pass.

An Aho-Corasick automaton (Aho & Corasick, 1975) looks for one anchor clause of each query: words of which at least one
must stand in any match. Only queries whose anchor stands in the post are held against it, so that ten thousand brands
cost little more than ten.
"""

from collections.abc import Iterable, Mapping

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from connectors.post import Post
from listener.query import Document, Node, document, matches, said
from listener.query.text import bounded
from listener.query.tree import And, Field, Near, Not, Or, Word

DFA_UP_TO = 10_000  # words: beyond, the faster automaton costs too much memory


class Matcher:
    """Built once from the brands' queries; immutable."""

    def __init__(self, queries: Mapping[str, Node]):
        self._queries = dict(queries)
        self._order = {name: place for place, name in enumerate(self._queries)}
        touched: dict[Word, list[str]] = {}
        for name, query in self._queries.items():
            for word in anchor(query):
                touched.setdefault(word, []).append(name)
        by_text: dict[str, list[tuple[Word, tuple[str, ...]]]] = {}
        for word, names in touched.items():
            by_text.setdefault(word.text, []).append((word, tuple(names)))
        self._touched = list(by_text.values())
        self._of_words = frozenset(name for name, query in self._queries.items() if _of_words(query))
        self._any_word = frozenset(name for name, query in self._queries.items() if _any_word(query))
        kind = Implementation.DFA if len(by_text) <= DFA_UP_TO else None
        self._automaton = AhoCorasick(list(by_text), matchkind=MatchKind.Standard, implementation=kind)

    def match(self, post: Post) -> tuple[str, ...]:
        """The names of the queries that match, in the order they were given."""
        text = said(post)
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if not hits:
            return ()
        names = self._anchored(text, hits)
        if names <= self._any_word:
            found: Iterable[str] = names
        else:
            doc = Document(text) if names <= self._of_words else document(post, text)
            found = (name for name in names if name in self._any_word or matches(self._queries[name], doc))
        return tuple(sorted(found, key=self._order.__getitem__))

    def _anchored(self, text: str, hits: Iterable[tuple[int, int, int]]) -> set[str]:
        names: set[str] = set()
        for index, start, end in hits:
            for word, touched in self._touched[index]:
                if bounded(text, start, end, prefix=word.prefix):
                    names.update(touched)
        return names


def _any_word(query: Node) -> bool:
    """Is one of its words enough? Then all of them are anchors, and an anchor that stands in a text is a match."""
    items = query.items if isinstance(query, Or) else (query,)
    return all(isinstance(item, Word) for item in items)


def _of_words(query: Node) -> bool:
    """Does it ask for nothing but what the post says?"""
    match query:
        case Field():
            return False
        case And(items=items) | Or(items=items):
            return all(map(_of_words, items))
        case Not(item=item):
            return _of_words(item)
        case _:
            return True


def anchor(query: Node) -> frozenset[Word]:
    """Words of which one must stand in every match; empty when there are none. Pure."""
    match query:
        case Word():
            return frozenset((query,))
        case Near(left=left, right=right):
            return _rarest((anchor(left), anchor(right)))
        case And(items=items):
            return _rarest(anchor(item) for item in items)
        case Or(items=items):
            each = [anchor(item) for item in items]
            return frozenset().union(*each) if all(each) else frozenset()
        case _:
            return frozenset()


def _rarest(clauses: Iterable[frozenset[Word]]) -> frozenset[Word]:
    """Long words are rare and few are rarer than many; good enough, and the same on every machine."""
    return min((clause for clause in clauses if clause), key=_commonness, default=frozenset())


def _commonness(clause: frozenset[Word]) -> tuple[float, list[str]]:
    return sum(4.0 ** -min(len(word.text), 12) for word in clause), sorted(word.text for word in clause)
