"""What the rooms need of a store: a connection that speaks PEP 249, and the few things that two databases do each in
their own way. Pure protocols; sqlite/ and postgres/ implement them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.post import Post
from listener.query import Node

IndexRow = tuple[int, str, str, str]  # a post: its words, its author's, its tags, each parted by blanks
Ask = tuple[str, Node]  # "body", "author" or "tags", and what must stand there


class Row(Protocol):
    """By name or by place."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


class Cursor(Protocol):
    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


Parts = dict[int, str]  # ids of posts, in an order -> the part of the tables that each is in; "": they have no parts


@dataclass(frozen=True, slots=True)
class Stretch:
    """Posts by their ids, both ends included, and no older or younger than this."""

    low: int
    high: int
    since: datetime | None = None
    until: datetime | None = None
    part: str = ""  # where the highest of them is, when that is known


class Index(Protocol):
    """The full-text index. Its expressions find at least everything that is asked for."""

    listed: Mapping[str, str]  # the "index" that lists which posts it holds, and its column "post"
    doubt: str  # SQL over a row of a search: was more found than was asked for? "" where that never is

    def add(self, db: "Database", heard: str, rows: Sequence[IndexRow]) -> None: ...
    def take_out(self, db: "Database", post: int) -> None:
        """As the tables have it; before they change."""
        ...

    def tidy(self, db: "Database") -> None:
        """At the beginning of a transaction that will add something."""
        ...

    def forgotten(self, db: "Database") -> None:
        """Something was taken out that nobody may read any more."""
        ...

    def expression(self, asks: Iterable[Ask]) -> str:
        """All of these; "" when it cannot help."""
        ...

    def exact(self, node: Node) -> bool:
        """Does its expression find nothing else?"""
        ...

    def together(self, *expressions: str) -> str:
        """All of these expressions; empty ones ask for nothing."""
        ...

    def hits(self, db: "Database", expression: str, where: Stretch, limit: int) -> Parts:
        """The highest first."""
        ...


class Dialect(Protocol):
    """Where the two differ. The strings are pieces of SQL."""

    counted: str  # the tallies, of which a key may have several rows
    count: str  # adds a row of tallies.COLUMNS to them
    skip: str  # behind a SELECT of notices n: what somebody else is taking at this moment is passed over

    def searched(self, part: str) -> str:
        """Mentions m, posts p, cases c of a search in this part."""
        ...

    def posts(self, part: str) -> str:
        """The posts of this part."""
        ...

    def parts(self, db: "Database", posts: Sequence[int]) -> Parts:
        """In this order."""
        ...

    def tracks(self, db: "Database", where: Stretch) -> Sequence[Sequence[str]]:
        """All parts in which mentions of these posts can be. In one track each part is older than the one before it:
        its ids are lower. Those of different tracks may be mixed."""
        ...

    def among(self, column: str, ids: Sequence[int]) -> tuple[str, tuple[Any, ...]]:
        """A condition, and what is given for its marks: a statement that is worth remembering, where that is done."""
        ...

    def post_ids(self, db: "Database", source: str, ids: Sequence[str], at: str) -> Sequence[int]:
        """Numbers for new posts, in this order."""
        ...

    def post(self, db: "Database", source: str, id_: str) -> Row | None:
        """By what its source calls it."""
        ...

    def there(self, db: "Database", source: str, ids: Sequence[str]) -> list[Any]:
        """external_id, fingerprint and state of those that are there; "erased" when only the name is left."""
        ...

    def case_id(self, db: "Database") -> int: ...
    def alone(self, db: "Database", brands: Iterable[str]) -> None:
        """Nobody else opens or joins a case of these brands until the transaction ends."""
        ...

    def ours(self, db: "Database", lease: str) -> None:
        """Until the transaction ends. Raises TakenOver."""
        ...

    def arrived(self, db: "Database", at: datetime, ids: Sequence[int], posts: Iterable[Post]) -> None:
        """Notes which posts a day brought, where a search in time needs that."""
        ...

    def changed(self, db: "Database", at: datetime, row: Row, post: Post) -> None:
        """An edit at `at` may have given the post of this row an older date."""
        ...

    def late(self, db: "Database", at: datetime, post: int) -> None:
        """Only now, at `at`, it speaks of one more brand; it was there before."""
        ...

    def counts(self, db: "Database", since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
        """(brand, verdict) -> mentions heard in that time, both ends included; ERASED instead of the verdict of what is
        gone. Reads its days and no others."""
        ...

    def size(self, db: "Database") -> int:
        """Bytes on its disk."""
        ...

    def room(self, db: "Database") -> int | None:
        """Bytes it may still grow by; None where its own people look after that."""
        ...

    def arrivals(self, db: "Database", since: datetime) -> Mapping[str, int]:
        """source -> new posts since then. Reads its days and no others."""
        ...


class Database(Protocol):
    """A connection, inside a transaction where something is written."""

    @property
    def IntegrityError(self) -> type[Exception]: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def index(self) -> Index: ...
    def execute(self, sql: str, given: Sequence[Any] = (), /) -> Cursor: ...
    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Cursor: ...
