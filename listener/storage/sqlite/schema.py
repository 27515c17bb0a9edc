"""Tables, indexes and migrations, through sqlite_utils. docs/storage.md says what each table is for.

A migration is never changed once it was released; what comes later is added below it.
"""

from typing import cast

from sqlite_utils import Database, Migrations

from listener.query.fts import TOKENIZER
from listener.storage.contract import StoreError
from listener.storage.sql import tagging, tallies
from listener.storage.sql.database import Database as Connected
from listener.storage.sql.rows import OPEN
from listener.storage.sqlite import indexing

house = Migrations("listening-post")

# More parts of the index are left side by side before they are merged than FTS5 does by itself (4): pages of a hundred
# posts are kept a tenth faster, and a search, which reads the newest parts first, does not feel it.
MERGED_AT = 8
BUILT_AT_ONCE = 1_000  # posts

_FIRST = f"""
CREATE TABLE house (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (
  name TEXT PRIMARY KEY, cursor TEXT NOT NULL DEFAULT '{{}}', next_poll TEXT, last_heard TEXT,
  failures INTEGER NOT NULL DEFAULT 0, failing_since TEXT, error TEXT NOT NULL DEFAULT '',
  told_silent INTEGER NOT NULL DEFAULT 0, fetched INTEGER NOT NULL DEFAULT 0, hearing TEXT NOT NULL DEFAULT 'heard'
);
CREATE TABLE coverage (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, hearing TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL,
  polls INTEGER NOT NULL, note TEXT NOT NULL
);
CREATE INDEX coverage_source ON coverage (source, id);
CREATE INDEX coverage_until ON coverage (until);
CREATE TABLE posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, external_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  state TEXT NOT NULL, heard TEXT NOT NULL, created TEXT, url TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
  handle TEXT NOT NULL, author TEXT NOT NULL, kind TEXT NOT NULL, lang TEXT NOT NULL, site TEXT NOT NULL,
  parent TEXT NOT NULL, facts TEXT NOT NULL, UNIQUE (source, external_id)
);
CREATE TABLE rereads (post INTEGER PRIMARY KEY REFERENCES posts (id), source TEXT NOT NULL, due TEXT NOT NULL);
CREATE INDEX rereads_due ON rereads (source, due);
CREATE TABLE post_versions (
  id INTEGER PRIMARY KEY, post INTEGER NOT NULL REFERENCES posts (id), until TEXT NOT NULL, title TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX post_versions_post ON post_versions (post);
CREATE VIRTUAL TABLE posts_fts USING fts5 (body, author, tags, content='', tokenize="{TOKENIZER}");
CREATE TABLE arrivals (
  day TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, oldest TEXT NOT NULL,
  first_mention INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE cases (
  id INTEGER PRIMARY KEY, brand TEXT NOT NULL, post TEXT NOT NULL, thread TEXT NOT NULL,
  customer TEXT NOT NULL, story TEXT NOT NULL, cause TEXT NOT NULL, incident INTEGER NOT NULL,
  within INTEGER NOT NULL, status TEXT NOT NULL,
  priority TEXT NOT NULL, severity INTEGER NOT NULL, owner TEXT NOT NULL, due TEXT, opened TEXT NOT NULL,
  changed TEXT NOT NULL, promise TEXT NOT NULL, outcome TEXT NOT NULL, posts INTEGER NOT NULL, seq INTEGER NOT NULL,
  title TEXT NOT NULL, UNIQUE (brand, post)
);
CREATE INDEX cases_due ON cases (due) WHERE {OPEN};
CREATE INDEX cases_urgent ON cases (priority, due, id) WHERE {OPEN};
CREATE INDEX cases_thread ON cases (brand, thread) WHERE {OPEN} AND thread <> '';
CREATE INDEX cases_customer ON cases (brand, customer) WHERE {OPEN} AND customer <> '';
CREATE INDEX cases_story ON cases (brand, story) WHERE {OPEN} AND story <> '';
CREATE INDEX cases_cause ON cases (brand, cause, opened);
CREATE INDEX cases_incident ON cases (brand, cause) WHERE incident = 1;
CREATE INDEX cases_within ON cases (within) WHERE within <> 0;
CREATE INDEX cases_changed ON cases (changed);
CREATE TABLE mentions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, post INTEGER NOT NULL REFERENCES posts (id), brand TEXT NOT NULL,
  verdict TEXT NOT NULL, complaint REAL NOT NULL, severity INTEGER NOT NULL, priority TEXT NOT NULL,
  cause TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, case_id INTEGER REFERENCES cases (id),
  heard TEXT NOT NULL, reasons TEXT NOT NULL, UNIQUE (post, brand)
);
CREATE INDEX mentions_case ON mentions (case_id) WHERE case_id IS NOT NULL;
CREATE TABLE events (
  case_id INTEGER NOT NULL REFERENCES cases (id), seq INTEGER NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (case_id, seq)
);
CREATE TABLE aways (person TEXT PRIMARY KEY, until TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, case_id INTEGER NOT NULL, seq INTEGER NOT NULL,
  kind TEXT NOT NULL, recipient TEXT NOT NULL, text TEXT NOT NULL, owed_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, next_try TEXT, claimed INTEGER NOT NULL DEFAULT 0, sent_at TEXT,
  dead INTEGER NOT NULL DEFAULT 0, ref TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX notices_owed ON notices (next_try) WHERE sent_at IS NULL AND dead = 0;
CREATE INDEX notices_case ON notices (case_id, kind, seq);
"""


@house()
def first(db: Database) -> None:
    db.executescript(_FIRST)


@house()
def customers(db: Database) -> None:
    db.executescript("CREATE INDEX cases_known ON cases (brand, customer, id) WHERE customer <> ''")


@house()
def facts_asked_together(db: Database) -> None:
    db.executescript(
        "CREATE TABLE levels (brand TEXT NOT NULL, verdict TEXT NOT NULL, priority TEXT NOT NULL, severity INTEGER NOT"
        " NULL, PRIMARY KEY (brand, verdict, priority, severity)) WITHOUT ROWID;"
        "INSERT INTO levels SELECT DISTINCT brand, verdict, priority, severity FROM mentions WHERE severity > 0;"
    )


@house()
def indexed_with_brands(db: Database) -> None:
    """The index is built again, with tags for what is asked for together: a minute for a million mentions."""
    db.executescript(
        "DROP TABLE posts_fts;"
        f"CREATE VIRTUAL TABLE posts_fts USING fts5 (body, author, tags, content='', tokenize=\"{TOKENIZER}\");"
        f"INSERT INTO posts_fts (posts_fts, rank) VALUES ('automerge', {MERGED_AT});"
        "DELETE FROM house WHERE name = 'purge';"
    )
    conn, last = cast(Connected, db.conn), 0
    while rows := tagging.after(conn, last, BUILT_AT_ONCE):
        conn.executemany(indexing.INSERT, rows)
        last = rows[-1][0]


@house()
def offers_and_pings(db: Database) -> None:
    """Who is offered what; and who was told of what when, so that nobody is told too often."""
    db.executescript(
        "ALTER TABLE cases ADD COLUMN offered TEXT NOT NULL DEFAULT '';"
        "CREATE INDEX notices_pings ON notices (recipient, sent_at) WHERE kind = 'direct' AND sent_at IS NOT NULL;"
    )


@house()
def web_desk(db: Database) -> None:
    db.executescript("""
        CREATE TABLE passes (key TEXT PRIMARY KEY, person TEXT NOT NULL, until TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE searches (
          id INTEGER PRIMARY KEY, name TEXT NOT NULL, query TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL
        );
        ALTER TABLE cases ADD COLUMN deadline TEXT;
        ALTER TABLE cases ADD COLUMN answered TEXT;
        ALTER TABLE cases ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
    """)


@house()
def customers_of_an_incident(db: Database) -> None:
    """How each of them stands is asked at every look."""
    db.executescript(
        "DROP INDEX cases_within; CREATE INDEX cases_within ON cases (within, status) WHERE within <> 0;"
        "CREATE INDEX cases_author ON cases (customer, status) WHERE customer <> '';"
        "CREATE TABLE guarded (fault TEXT NOT NULL, at TEXT NOT NULL, accepted INTEGER NOT NULL);"
        "CREATE INDEX guarded_at ON guarded (at);"
    )


@house()
def done_once(db: Database) -> None:
    db.executescript("CREATE TABLE done (what TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID")


@house()
def told_and_let_in(db: Database) -> None:
    """Who is told of what a saved search finds; which programs may ask."""
    db.executescript("""
        CREATE TABLE subscriptions (
          id INTEGER PRIMARY KEY AUTOINCREMENT, search INTEGER NOT NULL REFERENCES searches (id), way TEXT NOT NULL,
          recipient TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL, UNIQUE (search, way, recipient)
        );
        CREATE TABLE keys (
          id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, person TEXT NOT NULL,
          at TEXT NOT NULL
        );
    """)


@house()
def counted(db: Database) -> None:
    """Charts without reading the history: a minute for a million mentions. How far posts went, and their threads."""
    db.executescript("""
        CREATE TABLE tallies (
          facet TEXT NOT NULL, value TEXT NOT NULL, brand TEXT NOT NULL, verdict TEXT NOT NULL, at TEXT NOT NULL,
          mentions INTEGER NOT NULL, severity INTEGER NOT NULL, PRIMARY KEY (facet, value, brand, verdict, at)
        ) WITHOUT ROWID;
        CREATE TABLE reaches (post INTEGER PRIMARY KEY REFERENCES posts (id), reach INTEGER NOT NULL);
        CREATE INDEX reaches_far ON reaches (reach, post);
        CREATE INDEX posts_parent ON posts (source, parent) WHERE parent <> '';
    """)
    db.execute(_REACHED)
    tallies.counted_anew(cast(Connected, db.conn))


@house()
def waiting_since(db: Database) -> None:
    """A flood is counted by when people wrote, not by when we heard of it."""
    db.executescript("""
        ALTER TABLE cases ADD COLUMN since TEXT NOT NULL DEFAULT '';
        UPDATE cases SET since = opened;
        CREATE INDEX cases_flood ON cases (brand, cause, since);
    """)


@house()
def drafted(db: Database) -> None:
    """Forms that were closed without being sent."""
    db.executescript("""
        CREATE TABLE drafts (
          person TEXT NOT NULL, case_id INTEGER NOT NULL, form TEXT NOT NULL, given TEXT NOT NULL, at TEXT NOT NULL,
          PRIMARY KEY (person, case_id, form)
        ) WITHOUT ROWID;
    """)


@house()
def late(db: Database) -> None:
    """The lowest of the older posts that speak of a brand since they were edited, that day."""
    db.executescript("""
        ALTER TABLE arrivals ADD COLUMN earliest INTEGER;
        UPDATE arrivals SET earliest = (
          SELECT min(m.post) FROM mentions m JOIN posts p ON p.id = m.post WHERE m.heard > p.heard);
    """)


@house()
def installed(db: Database) -> None:
    """Workspaces of Slack, their tokens sealed."""
    db.executescript("""
        CREATE TABLE installations (
          team TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL,
          sealed TEXT NOT NULL
        ) WITHOUT ROWID;
    """)


@house()
def pressed_once(db: Database) -> None:
    """What was pressed, for a day: Slack may bring it twice, to two processes."""
    db.executescript(
        "CREATE TABLE presses (key TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE INDEX presses_at ON presses (at);"
    )


@house()
def fewer_rights(db: Database) -> None:
    """A key may be for reading only, or for some brands."""
    db.executescript("""
        ALTER TABLE keys ADD COLUMN reads INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE keys ADD COLUMN brands TEXT NOT NULL DEFAULT '';
    """)


@house()
def arranged(db: Database) -> None:
    """Cases whose copies look coordinated."""
    db.executescript("ALTER TABLE cases ADD COLUMN coordinated INTEGER NOT NULL DEFAULT 0")


@house()
def given_up(db: Database) -> None:
    """Notices that will not be tried again are counted every few seconds."""
    db.conn.execute("CREATE INDEX notices_given_up ON notices (id) WHERE sent_at IS NULL AND dead = 1")


_SEEN = ", ".join(f"coalesce(CAST(json_extract(facts, '$.{each}') AS INTEGER), 0)" for each in ("views", "followers"))
_REACHED = (
    f"INSERT INTO reaches (post, reach) SELECT id, max({_SEEN}) FROM posts WHERE facts <> ''"
    f" AND state NOT IN ('not matched', 'erased') AND max({_SEEN}) > 0"
)


def prepare(db: Database) -> None:
    """Brings the tables up to this version, in one transaction: of two processes that start at once, one does it.

    Raises StoreError when a newer version has written this file.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        ours = {each.name for each in house.pending(Database(memory=True))}
        newer = {each.name for each in house.applied(db)} - ours
        if newer:
            raise StoreError(f"a newer version wrote this database ({', '.join(sorted(newer))}); install that version")
        house.apply(db)
        db.commit()
    except BaseException:
        db.rollback()
        raise
