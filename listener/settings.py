"""config/*.toml and the environment -> frozen Settings. Every mistake is reported at once, and then nothing starts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors import check_options, durations_of, secrets_of
from escalation import hours
from escalation.policy import Person, Policy
from listener.query import Node, Purpose, QueryError, check_tracking, fold, parse, terms
from listener.tables import ConfigError, Problem, Table, read
from listener.triage import Rules, RulesError, load_rules

PRIORITIES = ("P1", "P2", "P3", "P4")
EVERY = timedelta(minutes=10)
LOOPBACK = "127.0.0.1"


class Secret(str):
    """A token that does not show itself in a log or an error."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)" if self else "Secret()"


NO_SECRET = Secret()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    name: str
    query: Node
    policy: str
    aliases: tuple[str, ...]  # the words that mean this brand: its query's positive terms
    accounts: tuple[str, ...] = ()  # handles that speak for it, folded, without @


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    name: str
    kind: str
    every: timedelta
    options: Mapping[str, Any]  # what belongs to the connector
    brands: tuple[str, ...] = ()  # whose queries it is searched for; empty: all


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    mode: str = "socket"  # or "http"
    api_url: str = "https://slack.com/api/"
    channels: Mapping[str, str] = field(default_factory=dict)  # brand -> channel id; "" is the default
    host: str = LOOPBACK  # where clicks arrive in http mode
    port: int = 3000
    bot_token: Secret = NO_SECRET
    app_token: Secret = NO_SECRET
    signing_secret: Secret = NO_SECRET

    @property
    def on(self) -> bool:
        return bool(self.bot_token)

    @property
    def hears_clicks(self) -> bool:
        return bool(self.signing_secret if self.mode == "http" else self.app_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    directory: Path
    database: str  # a path beside the configuration, or postgresql://…
    brands: tuple[Brand, ...]
    sources: tuple[Source, ...]
    people: tuple[Person, ...]
    policies: Mapping[str, Mapping[str, Policy]]  # name -> priority -> policy
    rules: Rules
    slack: Slack = field(default_factory=Slack)
    allow_private: frozenset[str] = frozenset()
    public_url: str = ""
    silent_after: timedelta = timedelta(hours=1)  # a source that fails this long is said to be silent

    def queries(self, brands: Collection[str] = ()) -> dict[str, Node]:
        """Brand -> its tracking query; of all brands when none is named."""
        return {brand.name: brand.query for brand in self.brands if not brands or brand.name in brands}

    def person(self, name: str) -> Person | None:
        """By name, whatever the case of the letters."""
        wanted = name.strip().casefold()
        return next((person for person in self.people if person.name.casefold() == wanted), None)


def load(directory: Path, env: Mapping[str, str]) -> Settings:
    """Raises ConfigError with everything that is wrong."""
    problems: list[Problem] = []
    main = read(directory / "listener.toml", problems, needed=True)
    people, policies = _people(read(directory / "people.toml", problems, needed=True))
    brands = _brands(read(directory / "brands.toml", problems, needed=True), policies)
    sources = _sources(read(directory / "sources.toml", problems, needed=True), directory, env, brands)
    rules = _rules(read(directory / "triage.toml", problems))
    http, web, listen = main.table("http"), main.table("web"), main.table("listen")
    settings = Settings(
        directory=directory,
        database=_database(main, directory),
        brands=brands,
        sources=sources,
        people=people,
        policies=policies,
        rules=rules,
        slack=_slack(main.table("slack"), env, brands),
        allow_private=frozenset(http.texts("allow_private")) | _listed(env.get("LISTENER_ALLOW_PRIVATE", "")),
        public_url=web.text("public_url"),
        silent_after=listen.duration("silent_after", timedelta(hours=1)),
    )
    _reserved(main, web)
    for table in (main, http, listen):
        table.done()
    if problems:
        raise ConfigError(problems)
    return settings


def _reserved(main: Table, web: Table) -> None:
    """Keys of the contract that later rooms read; a configuration that has them is not wrong."""
    web.get("host", str, "")
    web.get("port", int, 0)
    web.done()
    main.known.add("digest")


def _database(main: Table, directory: Path) -> str:
    database = main.text("database", needed=True)
    if database.startswith(("postgresql://", "postgres://")):
        main.wrong("database", "PostgreSQL is not supported by this version; name a file, for example listener.db")
        return ""
    return str(directory / database) if database and database != ":memory:" else database


def _listed(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _people(table: Table) -> tuple[tuple[Person, ...], dict[str, dict[str, Policy]]]:
    people = {}
    rows = table.rows("person")
    for row in rows:
        person = Person(
            name=row.text("name", needed=True).strip(),
            slack=row.text("slack"),
            timezone=row.parsed("timezone", _zone, "UTC"),
            hours=row.parsed("hours", _hours, hours.ALWAYS),
            backup=row.text("backup"),
        )
        row.done()
        if person.name in people:
            row.wrong("name", "is the name of two people; make them differ")
        people[person.name] = person
    for row in rows:
        _somebody(row, "backup", row.text("backup"), people)
    if not people:
        table.wrong("", "names nobody; add a [[person]] who can be told")
    policies = _policies(table.table("policy"), people)
    if not policies:
        table.wrong("", "has no policy; add [policy.care] with a row for P1")
    table.done()
    return tuple(people.values()), policies


def _policies(table: Table, people: Mapping[str, Person]) -> dict[str, dict[str, Policy]]:
    policies: dict[str, dict[str, Policy]] = {}
    for name in table.data:
        rows = table.table(name)
        policies[name] = {
            priority: _policy(rows, name, priority, people) for priority in PRIORITIES if priority in rows.data
        }
        rows.known.update(PRIORITIES)
        rows.done()
        if not policies[name]:
            rows.wrong("", "has no row; add P1 = { acknowledge = …, report = …, ladder = […] }")
    return policies


def _policy(rows: Table, name: str, priority: str, people: Mapping[str, Person]) -> Policy:
    row = rows.table(priority)
    ladder = row.texts("ladder", needed=True)
    if "ladder" in row.data and not ladder:
        row.wrong("ladder", "names nobody")
    for step in ladder:
        _somebody(row, "ladder", step, people)
    policy = Policy(
        name=name,
        priority=priority,
        acknowledge=row.duration("acknowledge", timedelta(minutes=15), needed=True),
        report=row.duration("report", timedelta(hours=8), needed=True),
        follow_up=row.duration("follow_up", timedelta(days=1)),
        ladder=ladder,
        people=_reachable(ladder, people),
    )
    row.done()
    return policy


def _reachable(ladder: tuple[str, ...], people: Mapping[str, Person]) -> tuple[Person, ...]:
    names = dict.fromkeys(ladder)
    names |= dict.fromkeys(people[name].backup for name in ladder if name in people)
    return tuple(people[name] for name in names if name in people)


def _somebody(table: Table, key: str, name: str, people: Mapping[str, Person]) -> None:
    if name and name not in people:
        table.wrong(key, f'nobody is called "{name}"; add a [[person]] or choose one of {", ".join(people) or "…"}')


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'"{text}" is not a time zone; write for example "America/Toronto"') from None
    return text


def _hours(text: str) -> str:
    hours.parse(text)
    return text


def _brands(table: Table, policies: Mapping[str, Any]) -> tuple[Brand, ...]:
    brands: dict[str, Brand] = {}
    for row in table.rows("brand"):
        name, policy = row.text("name", needed=True).strip(), row.text("policy", needed=True)
        if policy and policy not in policies:
            row.wrong("policy", f'"{policy}" is not a policy; people.toml has {", ".join(policies) or "none"}')
        query = _query(row)
        if name in brands:
            row.wrong("name", "is the name of two brands; make them differ")
        if query is not None:
            accounts = tuple(fold(account).lstrip("@") for account in row.texts("accounts"))
            aliases = (name, *terms(query))
            brands[name] = Brand(name=name, query=query, policy=policy, aliases=aliases, accounts=accounts)
        row.done()
    if not table.data.get("brand"):
        table.wrong("", "names no brand; add a [[brand]] with name, query and policy")
    table.done()
    return tuple(brands.values())


def _query(row: Table) -> Node | None:
    text = row.text("query", needed=True)
    if not text:
        return None
    try:
        return check_tracking(parse(text, purpose=Purpose.TRACKING), text)
    except QueryError as wrong:
        row.wrong("query", str(wrong))
        return None


def _sources(table: Table, directory: Path, env: Mapping[str, str], brands: tuple[Brand, ...]) -> tuple[Source, ...]:
    sources: dict[str, Source] = {}
    for row in table.rows("source"):
        name, kind = row.text("name", needed=True).strip(), row.text("kind", needed=True)
        options = _options(row, kind, directory)
        secrets = {key: Secret(env.get(variable, "").strip()) for key, variable in secrets_of(kind).items()}
        source = Source(
            name=name,
            kind=kind,
            every=row.duration("every", EVERY),
            options={**options, **secrets},
            brands=row.texts("brands"),
        )
        for unknown in set(source.brands) - {brand.name for brand in brands}:
            row.wrong("brands", f'"{unknown}" is not a brand; brands.toml has {", ".join(b.name for b in brands)}')
        if ":" in name:
            row.wrong("name", "must not contain a colon; it stands in front of every post's id")
        if name in sources:
            row.wrong("name", "is the name of two sources; make them differ")
        if kind:
            for problem in check_options(kind, options):
                row.wrong("", problem)
        sources[name] = source
    if not table.data.get("source"):
        table.wrong("", "names no source; add a [[source]] with name, kind and what the kind needs")
    table.done()
    return tuple(sources.values())


def _options(row: Table, kind: str, directory: Path) -> dict[str, Any]:
    """What belongs to the connector; a file is looked for beside the configuration."""
    spans, options = durations_of(kind), dict[str, Any]()
    for key, value in row.data.items():
        if key in spans:
            options[key] = row.duration(key, EVERY)
        elif key == "file" and isinstance(value, str):
            options[key] = str(directory / value)
        elif key not in ("name", "kind", "every", "brands"):
            options[key] = value
    return options


def _rules(table: Table) -> Rules:
    try:
        return load_rules(table.data)
    except RulesError as wrong:
        for problem in wrong.problems:
            table.wrong("", problem)
        return load_rules(None)


def _slack(table: Table, env: Mapping[str, str], brands: tuple[Brand, ...]) -> Slack:
    channels = {
        brand: channel for brand, channel in table.get("channels", dict, {}).items() if isinstance(channel, str)
    }
    if default := table.text("channel"):
        channels[""] = default
    mode = table.text("mode", "socket")
    if mode not in ("socket", "http"):
        table.wrong("mode", 'must be "socket" or "http"')
    for unknown in channels.keys() - {brand.name for brand in brands} - {""}:
        table.wrong("channels", f'"{unknown}" is not a brand')
    slack = Slack(
        mode=mode,
        api_url=table.text("api_url", "https://slack.com/api/"),
        channels=channels,
        host=table.text("host", LOOPBACK).strip(),
        port=table.get("port", int, 3000),
        bot_token=Secret(env.get("SLACK_BOT_TOKEN", "").strip()),
        app_token=Secret(env.get("SLACK_APP_TOKEN", "").strip()),
        signing_secret=Secret(env.get("SLACK_SIGNING_SECRET", "").strip()),
    )
    if not slack.host:
        table.wrong("host", f'is empty; write "{LOOPBACK}", or "0.0.0.0" for every address of this machine')
    if not 0 < slack.port < 65536:
        table.wrong("port", "must be between 1 and 65535, for example 3000")
    if slack.on and not channels:
        table.wrong("channel", 'is missing; SLACK_BOT_TOKEN is set, so say where cards go: channel = "C0123456789"')
    table.done()
    return slack
