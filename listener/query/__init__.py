"""One query language, for tracking brands and for searching the history.

text.py      folding: what counts as the same letters      tree.py      the shape of a query
tokens.py    text -> tokens; the error with its column      parse.py     tokens -> tree
meaning.py   does this post match, and where?               fts.py       tree -> an expression for the full-text index
"""

from listener.query.fts import FtsPlan, index_text, to_fts
from listener.query.meaning import Document, document, matches, said, spans, terms
from listener.query.parse import Purpose, check_tracking, parse
from listener.query.text import fold
from listener.query.tokens import QueryError
from listener.query.tree import And, Field, Near, Node, Not, Or, Word

__all__ = [
    "And",
    "Document",
    "Field",
    "FtsPlan",
    "Near",
    "Node",
    "Not",
    "Or",
    "Purpose",
    "QueryError",
    "Word",
    "check_tracking",
    "document",
    "fold",
    "index_text",
    "matches",
    "parse",
    "said",
    "spans",
    "terms",
    "to_fts",
]
