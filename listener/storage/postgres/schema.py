"""Tables, indexes and migrations of PostgreSQL. docs/storage.md says what each table is for; the two stores have the
same tables and the same columns, so that one set of rooms (listener/storage/sql/) works on both.

What grows without end is partitioned by the month it was heard in (months.py). A unique key cannot span partitions, so
`post_keys` knows every post by the digest of what its source calls it: a stranger's id may be longer than an index
takes, and so may an address, which is why those are looked up by hash.

A migration is never changed once it was released; what comes later is added below it. While hosts are upgraded one
after the other the version before works on what this one has prepared: a migration only adds, or says that it breaks.
"""

from dataclasses import dataclass

from listener.storage.contract import StoreError
from listener.storage.sql.database import Database
from listener.storage.sql.rows import OPEN

TURN = 7_163_002  # the advisory lock of whoever prepares the tables

_FIRST = f"""
CREATE SEQUENCE workers;
CREATE SEQUENCE cases_id;
CREATE SEQUENCE mentions_id;
CREATE TABLE house (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE sources (
  name text PRIMARY KEY, cursor text NOT NULL DEFAULT '{{}}', next_poll timestamptz, last_heard timestamptz,
  failures integer NOT NULL DEFAULT 0, failing_since timestamptz, error text NOT NULL DEFAULT '',
  told_silent integer NOT NULL DEFAULT 0, fetched bigint NOT NULL DEFAULT 0, hearing text NOT NULL DEFAULT 'heard'
);
CREATE TABLE leases (
  what text PRIMARY KEY, holder integer NOT NULL, until timestamptz NOT NULL
);
CREATE TABLE coverage (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, hearing text NOT NULL,
  since timestamptz NOT NULL, until timestamptz NOT NULL, polls integer NOT NULL, note text NOT NULL
);
CREATE INDEX coverage_source ON coverage (source, id);
CREATE INDEX coverage_until ON coverage (until);
CREATE TABLE post_keys (
  source text NOT NULL, digest bytea NOT NULL, post bigint GENERATED ALWAYS AS IDENTITY, heard timestamptz NOT NULL,
  PRIMARY KEY (source, digest)
);
CREATE TABLE posts (
  id bigint NOT NULL, source text NOT NULL, external_id text NOT NULL, fingerprint text NOT NULL, state text NOT NULL,
  heard timestamptz NOT NULL, created timestamptz, url text NOT NULL, title text NOT NULL, text text NOT NULL,
  handle text NOT NULL, author text NOT NULL, kind text NOT NULL, lang text NOT NULL, site text NOT NULL,
  parent text NOT NULL, facts text NOT NULL, PRIMARY KEY (id, heard)
) PARTITION BY RANGE (heard);
CREATE INDEX posts_heard ON posts (heard);
CREATE TABLE post_words (
  post bigint NOT NULL, heard timestamptz NOT NULL, words tsvector NOT NULL, PRIMARY KEY (post, heard)
) PARTITION BY RANGE (heard);
CREATE INDEX post_words_words ON post_words USING gin (words) WITH (gin_pending_list_limit = 512);
CREATE TABLE rereads (post bigint PRIMARY KEY, source text NOT NULL, due timestamptz NOT NULL);
CREATE INDEX rereads_due ON rereads (source, due);
CREATE TABLE post_versions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, post bigint NOT NULL, until timestamptz NOT NULL,
  title text NOT NULL, text text NOT NULL
);
CREATE INDEX post_versions_post ON post_versions (post);
CREATE TABLE arrivals (
  day date NOT NULL, backend integer NOT NULL, first bigint NOT NULL, last bigint NOT NULL,
  oldest timestamptz NOT NULL, PRIMARY KEY (day, backend)
);
CREATE TABLE cases (
  id bigint PRIMARY KEY, brand text NOT NULL, post text NOT NULL, thread text NOT NULL, customer text NOT NULL,
  story text NOT NULL, cause text NOT NULL, incident integer NOT NULL, within bigint NOT NULL, status text NOT NULL,
  priority text NOT NULL, severity integer NOT NULL, owner text NOT NULL, due timestamptz, opened timestamptz NOT NULL,
  changed timestamptz NOT NULL, promise text NOT NULL, outcome text NOT NULL, posts integer NOT NULL,
  seq integer NOT NULL, title text NOT NULL, offered text NOT NULL DEFAULT '', deadline timestamptz,
  answered timestamptz, missed integer NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX cases_first ON cases (brand, md5(post));
CREATE INDEX cases_post ON cases USING hash (post);
CREATE INDEX cases_due ON cases (due) WHERE {OPEN};
CREATE INDEX cases_urgent ON cases (priority, due, id) WHERE {OPEN};
CREATE INDEX cases_thread ON cases USING hash (thread) WHERE {OPEN} AND thread <> '';
CREATE INDEX cases_customer ON cases USING hash (customer) WHERE customer <> '';
CREATE INDEX cases_story ON cases USING hash (story) WHERE {OPEN} AND story <> '';
CREATE INDEX cases_cause ON cases (brand, cause, opened);
CREATE INDEX cases_incident ON cases (brand, cause) WHERE incident = 1;
CREATE INDEX cases_within ON cases (within, status) WHERE within <> 0;
CREATE INDEX cases_changed ON cases (changed);
CREATE TABLE mentions (
  id bigint NOT NULL DEFAULT nextval('mentions_id'), post bigint NOT NULL, brand text NOT NULL, verdict text NOT NULL,
  complaint double precision NOT NULL, severity integer NOT NULL, priority text NOT NULL, cause text NOT NULL,
  state text NOT NULL, reason text NOT NULL, case_id bigint REFERENCES cases (id), heard timestamptz NOT NULL,
  reasons text NOT NULL, PRIMARY KEY (id, heard)
) PARTITION BY RANGE (heard);
CREATE INDEX mentions_post ON mentions (post, id);
CREATE INDEX mentions_case ON mentions (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX mentions_heard ON mentions (heard);
CREATE TABLE levels (
  brand text NOT NULL, verdict text NOT NULL, priority text NOT NULL, severity integer NOT NULL,
  PRIMARY KEY (brand, verdict, priority, severity)
);
CREATE TABLE events (
  case_id bigint NOT NULL REFERENCES cases (id), seq integer NOT NULL, at timestamptz NOT NULL, kind text NOT NULL,
  body text NOT NULL, PRIMARY KEY (case_id, seq)
);
CREATE TABLE moves (backend integer PRIMARY KEY, number bigint NOT NULL) WITH (fillfactor = 20);
CREATE TABLE aways (person text PRIMARY KEY, until timestamptz NOT NULL);
CREATE TABLE notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, case_id bigint NOT NULL,
  seq bigint NOT NULL, kind text NOT NULL, recipient text NOT NULL, text text NOT NULL, owed_at timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0, next_try timestamptz, claimed integer NOT NULL DEFAULT 0, sent_at timestamptz,
  dead integer NOT NULL DEFAULT 0, ref text NOT NULL DEFAULT '', error text NOT NULL DEFAULT ''
) WITH (fillfactor = 80);
CREATE INDEX notices_owed ON notices (next_try) WHERE sent_at IS NULL AND dead = 0;
CREATE INDEX notices_case ON notices (case_id, kind, seq);
CREATE INDEX notices_pings ON notices (recipient, sent_at) WHERE kind = 'direct' AND sent_at IS NOT NULL;
CREATE TABLE passes (key text PRIMARY KEY, person text NOT NULL, until timestamptz NOT NULL);
CREATE TABLE searches (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, query text NOT NULL, by text NOT NULL,
  at timestamptz NOT NULL
);
CREATE TABLE guarded (fault text NOT NULL, at timestamptz NOT NULL, accepted integer NOT NULL);
CREATE INDEX guarded_at ON guarded (at);
CREATE TABLE done (what text PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE retired (
  month date NOT NULL, what text NOT NULL, source text NOT NULL, state text NOT NULL, count bigint NOT NULL,
  PRIMARY KEY (month, what, source, state)
);

-- NULL where only Python knows how the letters fold (listener/query/text.py): such a row is looked at there.
CREATE FUNCTION folded(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  CASE WHEN said ~ '^([!-~]+( [!-~]+)*)?$' THEN lower(said COLLATE "C") END;

CREATE FUNCTION case_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO moves (backend, number) VALUES (pg_backend_pid(), 1)
    ON CONFLICT (backend) DO UPDATE SET number = moves.number + 1;
  PERFORM pg_notify('listener', 'cases');
  RETURN NULL;
END $$;
CREATE TRIGGER moved AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION case_moved();
CREATE FUNCTION notice_owed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('listener', 'notices');
  RETURN NULL;
END $$;
CREATE TRIGGER owed AFTER INSERT ON notices FOR EACH STATEMENT EXECUTE FUNCTION notice_owed();
"""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str
    breaks: bool = False  # the version before cannot work on it


_TOLD_AND_LET_IN = """
CREATE TABLE subscriptions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, search bigint NOT NULL REFERENCES searches (id),
  way text NOT NULL, recipient text NOT NULL, by text NOT NULL, at timestamptz NOT NULL,
  UNIQUE (search, way, recipient)
);
CREATE TABLE keys (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hash text NOT NULL UNIQUE, name text NOT NULL,
  person text NOT NULL, at timestamptz NOT NULL
);
"""

_COUNTED = """
CREATE TABLE tallies (
  facet text NOT NULL, value text NOT NULL, brand text NOT NULL, verdict text NOT NULL, at text NOT NULL,
  mentions integer NOT NULL, severity integer NOT NULL, PRIMARY KEY (facet, value, brand, verdict, at)
) WITH (fillfactor = 70);
CREATE TABLE reaches (post bigint PRIMARY KEY, reach bigint NOT NULL);
CREATE INDEX reaches_far ON reaches (reach, post);
CREATE INDEX posts_parent ON posts USING hash (parent) WHERE parent <> '';

-- As the instants are written everywhere else: 2026-05-01T09:00:00.500000+00:00
CREATE FUNCTION substr(instant timestamptz, first integer, count integer) RETURNS text LANGUAGE sql IMMUTABLE
  PARALLEL SAFE RETURN substr(to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), first, count);
"""

_WAITING_SINCE = """
ALTER TABLE cases ADD COLUMN since timestamptz NOT NULL DEFAULT '-infinity';
UPDATE cases SET since = opened;
CREATE INDEX cases_flood ON cases (brand, cause, since);
"""
_TAKEN = """
ALTER TABLE cases ADD COLUMN taken_until timestamptz, ADD COLUMN taken_seq integer;
"""
_DRAFTED = """
CREATE TABLE drafts (
  person text NOT NULL, case_id bigint NOT NULL, form text NOT NULL, given text NOT NULL, at timestamptz NOT NULL,
  PRIMARY KEY (person, case_id, form)
);
"""
_LATE = """
ALTER TABLE arrivals ADD COLUMN earliest bigint;
UPDATE arrivals SET earliest = (
  SELECT min(m.post) FROM mentions m JOIN posts p ON p.id = m.post WHERE m.heard > p.heard);
"""
_INSTALLED = """
CREATE TABLE installations (
  team text PRIMARY KEY, name text NOT NULL, scopes text NOT NULL, by text NOT NULL, at timestamptz NOT NULL,
  sealed text NOT NULL
);
"""
_STRAYS = """
CREATE TABLE strays (post bigint NOT NULL, heard timestamptz NOT NULL, PRIMARY KEY (post, heard));
INSERT INTO strays SELECT DISTINCT m.post, m.heard FROM mentions m JOIN posts p ON p.id = m.post
  AND date_trunc('month', p.heard, 'UTC') <> date_trunc('month', m.heard, 'UTC');

-- Month by month, the newest first, until there are enough, and one month more: of two hosts that wrote at the turn of
-- a month the slower may have had the higher number. Everything is a literal for the planner: whether the index or the
-- newest posts are read first depends on how often the words are said. A post with a stray is in no part alone.
CREATE FUNCTION hits(said text, low bigint, high bigint, since text, latest text, wanted integer)
RETURNS TABLE (post bigint, part text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  month text; posts bigint[]; found integer := 0; lowest bigint := high; enough boolean := false;
  apart bigint[] := array(SELECT s.post FROM strays s WHERE s.post BETWEEN low AND high);
BEGIN
  FOR month IN SELECT right(inhrelid::regclass::text, 7) FROM pg_inherits WHERE inhparent = 'posts'::regclass
      ORDER BY 1 DESC LOOP
    CONTINUE WHEN month > latest;
    EXIT WHEN enough OR month < since;
    enough := found >= wanted;
    EXECUTE format('SELECT array(SELECT post FROM post_words_%s WHERE words @@ %L::tsquery AND post BETWEEN %s AND %s'
      ' ORDER BY post DESC LIMIT %s)', month, said, CASE WHEN enough THEN lowest ELSE low END, high, wanted) INTO posts;
    found := found + cardinality(posts);
    lowest := least(lowest, posts[cardinality(posts)]);
    RETURN QUERY SELECT p, CASE WHEN p = ANY (apart) THEN '' ELSE month END FROM unnest(posts) AS p;
  END LOOP;
END $$;
"""
_CHANGES = """
CREATE TABLE tally_changes (
  facet text NOT NULL, value text NOT NULL, brand text NOT NULL, verdict text NOT NULL, at text NOT NULL,
  mentions integer NOT NULL, severity integer NOT NULL
);
"""
_PRESSED_ONCE = """
CREATE TABLE presses (key text PRIMARY KEY, at timestamptz NOT NULL);
CREATE INDEX presses_at ON presses (at);
"""
_FEWER_RIGHTS = """
ALTER TABLE keys ADD COLUMN reads integer NOT NULL DEFAULT 0, ADD COLUMN brands text NOT NULL DEFAULT '';
"""
_GIVEN_UP = """
CREATE INDEX notices_given_up ON notices (id) WHERE sent_at IS NULL AND dead = 1;
CREATE INDEX cases_checked ON cases (within) WHERE within <> 0 AND status = 'reported';
"""

_ARRANGED = """
ALTER TABLE cases ADD COLUMN coordinated integer NOT NULL DEFAULT 0;
"""

MIGRATIONS = (
    Migration("first", _FIRST),
    Migration("told_and_let_in", _TOLD_AND_LET_IN),
    Migration("counted", _COUNTED),
    Migration("waiting_since", _WAITING_SINCE),
    Migration("taken", _TAKEN),
    Migration("drafted", _DRAFTED),
    Migration("late", _LATE),
    Migration("installed", _INSTALLED),
    Migration("pressed_once", _PRESSED_ONCE),
    Migration("strays", _STRAYS),
    Migration("tally_changes", _CHANGES),
    Migration("fewer_rights", _FEWER_RIGHTS, breaks=True),
    Migration("arranged", _ARRANGED),
    Migration("given_up", _GIVEN_UP),
)


def prepare(db: Database) -> None:
    """Brings the tables up to this version, in the caller's transaction: of several hosts that start at once one does
    it. Raises StoreError when a newer version has made something that this one does not survive."""
    db.execute("SELECT pg_advisory_xact_lock(?)", (TURN,))
    db.execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, breaks integer NOT NULL)")
    applied = {row["name"]: row["breaks"] for row in db.execute("SELECT name, breaks FROM migrations")}
    ours = {migration.name for migration in MIGRATIONS}
    if newer := sorted(name for name, breaks in applied.items() if breaks and name not in ours):
        raise StoreError(f"a newer version wrote this database ({', '.join(newer)}); install that version")
    for migration in MIGRATIONS:
        if migration.name not in applied:
            db.execute(migration.sql)
            db.execute("INSERT INTO migrations (name, breaks) VALUES (?, ?)", (migration.name, migration.breaks))
