"""config/*.toml and the environment -> frozen Settings. Every mistake is reported at once, and then nothing starts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors import check_options, durations_of, needs_inbound, secrets_of
from listener.playbook import PlaybookError, Response, load_playbook
from listener.query import Node, Purpose, QueryError, check_tracking, fold, parse, terms
from listener.settings.digests import read_digests
from listener.settings.model import LOOPBACK, Brand, Desk, Inbound, Second, Secret, Settings, Source
from listener.settings.people import read_staff
from listener.settings.slack import Around, read_slack
from listener.storage.address import is_server
from listener.surge import Surge
from listener.tables import ConfigError, Problem, Table, read
from listener.triage import Rules, RulesError, load_rules

EVERY = timedelta(minutes=10)
LOCAL = ("127.0.0.1", "::1", "localhost")
LEARNED = "learned.toml"  # written by `listener learn`


def load(directory: Path, env: Mapping[str, str]) -> Settings:
    """Raises ConfigError with everything that is wrong."""
    problems: list[Problem] = []
    main = read(directory / "listener.toml", problems, needed=True)
    staff = read_staff(read(directory / "people.toml", problems, needed=True))
    brands = _brands(read(directory / "brands.toml", problems, needed=True), staff.policies)
    sources = _sources(read(directory / "sources.toml", problems, needed=True), directory, env, brands)
    rules = _rules(read(directory / "triage.toml", problems), read(directory / LEARNED, problems))
    http, web, listen, incident, history = (
        main.table(name) for name in ("http", "web", "listen", "incident", "history")
    )
    desk = _desk(web, env)
    settings = Settings(
        directory=directory,
        database=_database(main, directory),
        months=_months(history, main.text("database")),
        brands=brands,
        sources=sources,
        people=tuple(staff.people.values()),
        teams=tuple(staff.teams.values()),
        rotas=staff.rotas,
        lights=staff.lights,
        policies=staff.policies,
        routes=staff.routes,
        rules=rules,
        members=staff.members,
        desk=desk,
        digests=read_digests(main.table("digest"), staff.people, [brand.name for brand in brands], env),
        slack=read_slack(main.table("slack"), env, Around(brands, tuple(staff.people.values()), desk)),
        inbound=_inbound(main.table("inbound"), sources),
        second=_second(main.table("second_opinion"), env),
        allow_private=frozenset(http.texts("allow_private")) | allowed(env),
        public_url=web.text("public_url"),
        surge=_surge(incident),
        playbook=_playbook(read(directory / "playbook.toml", problems)),
        heartbeat=Secret(env.get("LISTENER_HEARTBEAT", "").strip()),
        audit_heartbeat=Secret(env.get("LISTENER_AUDIT_HEARTBEAT", "").strip()),
        metrics_token=Secret(env.get("LISTENER_METRICS_TOKEN", "").strip()),
        state=_state(env),
        audit_every=listen.duration("audit_every", timedelta(days=1)),
        silent_after=listen.duration("silent_after", timedelta(hours=1)),
    )
    for table in (main, http, listen, incident, history):
        table.done()
    if problems:
        raise ConfigError(problems)
    return settings


def changed(settings: Settings, file: Path) -> Settings:
    """The same house with another triage.toml or people.toml. Raises ConfigError."""
    problems: list[Problem] = []
    table = read(file, problems, needed=True)
    if {"person", "policy"} & table.data.keys():
        staff = read_staff(table)
        for brand in settings.brands:
            if brand.policy not in staff.policies:
                table.wrong(
                    "policy", f'has no "{brand.policy}", which {brand.name} follows; add [policy.{brand.policy}]'
                )
        people, teams = tuple(staff.people.values()), tuple(staff.teams.values())
        settings = replace(settings, people=people, teams=teams, policies=staff.policies, routes=staff.routes)
        settings = replace(settings, rotas=staff.rotas, lights=staff.lights)
    else:
        settings = replace(settings, rules=_rules(table, read(settings.directory / LEARNED, problems)))
    if problems:
        raise ConfigError(problems)
    return settings


def _playbook(table: Table) -> tuple[Response, ...]:
    try:
        return load_playbook(table.data)
    except PlaybookError as wrong:
        for problem in wrong.problems:
            table.wrong("", problem)
        return ()


def _surge(table: Table) -> Surge | None:
    surge = Surge(least=table.get("least", int, Surge().least), times_usual=table.get("times_usual", int, 4))
    if surge.least and (surge.least < 2 or surge.times_usual < 1):
        table.wrong("", "least must be 2 or more, or 0 for never; times_usual 1 or more")
    return surge if surge.least else None


def _desk(table: Table, env: Mapping[str, str]) -> Desk:
    """Away from this machine people sign in with Slack, or there is no desk: a link in a log is no key to a house."""
    desk = Desk(
        on=table.get("on", bool, True),
        host=table.text("host", LOOPBACK).strip(),
        port=table.get("port", int, 8080),
        public_url=table.text("public_url").rstrip("/"),
        team=table.text("team"),
        client_id=env.get("SLACK_CLIENT_ID", "").strip(),
        client_secret=Secret(env.get("SLACK_CLIENT_SECRET", "").strip()),
    )
    if not 0 <= desk.port < 65536:
        table.wrong("port", "must be between 1 and 65535, for example 8080, or 0 for any that is free")
    if desk.public_url and not desk.public_url.startswith(("https://", "http://")):
        table.wrong("public_url", "must begin with https:// or http://")
    if desk.on and not desk.loopback:
        for problem in _open_to_others(desk):
            table.wrong("host", problem)
    table.done()
    return desk


def _open_to_others(desk: Desk) -> Iterator[str]:
    where = f"{desk.host} can be reached from other machines"
    if not (desk.client_id and desk.client_secret):
        mend = f"set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, or host = {LOOPBACK}"
        yield f"{where}, where people sign in with Slack: {mend}"
    if not desk.public_url.startswith("https://"):
        yield f'{where}: add public_url = "https://…", the address of the proxy that speaks TLS for it'
    if not desk.team:
        yield f'{where}: add team = "T0123456789", the Slack workspace whose people may come in'


def _database(main: Table, directory: Path) -> str:
    database = main.text("database", needed=True)
    beside = database and database != ":memory:" and not is_server(database)
    return str(directory / database) if beside else database


def _months(history: Table, database: str) -> int:
    months = history.get("months", int, 0)
    if months < 0:
        history.wrong("months", "how many months of posts are kept, for example 24; 0 keeps them all")
    if months and not is_server(database):
        history.wrong("months", "a database file keeps everything; only PostgreSQL drops whole months")
    return months


def _state(env: Mapping[str, str]) -> Path | None:
    told = env.get("LISTENER_STATE", "").strip()
    return Path(told) if told else None


def allowed(env: Mapping[str, str]) -> frozenset[str]:
    """Private hosts that the environment opens."""
    return frozenset(part.strip() for part in env.get("LISTENER_ALLOW_PRIVATE", "").split(",") if part.strip())


def _brands(table: Table, policies: Mapping[str, Any]) -> tuple[Brand, ...]:
    brands: dict[str, Brand] = {}
    for row in table.rows("brand"):
        name, policy = row.text("name", needed=True).strip(), row.text("policy", needed=True)
        if policy and policy not in policies:
            row.wrong("policy", f'"{policy}" is not a policy; people.toml has {", ".join(policies) or "none"}')
        query, accounts = _query(row), tuple(fold(account).lstrip("@") for account in row.texts("accounts"))
        if not accounts and any(each.first_reply for each in policies.get(policy, {}).values()):
            row.wrong("accounts", f'is missing; {policy} has a first_reply: say who answers, accounts = ["@…"]')
        if name in brands:
            row.wrong("name", "is the name of two brands; make them differ")
        if query is not None:
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
            about=row.text("about"),
        )
        for key, named in (("brands", set(source.brands)), ("about", {source.about} - {""})):
            for unknown in named - {brand.name for brand in brands}:
                row.wrong(key, f'"{unknown}" is not a brand; brands.toml has {", ".join(b.name for b in brands)}')
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
        elif key not in ("name", "kind", "every", "brands", "about"):
            options[key] = value
    return options


def _rules(table: Table, learned: Table) -> Rules:
    try:
        return load_rules({**learned.data, **table.data})
    except RulesError as wrong:
        for problem in wrong.problems:
            table.wrong("", problem)
        return load_rules(None)


def _inbound(table: Table, sources: tuple[Source, ...]) -> Inbound:
    inbound = Inbound(
        host=table.text("host", LOOPBACK).strip(),
        port=table.get("port", int, 0),
        public_url=table.text("public_url"),
    )
    if not 0 <= inbound.port < 65536:
        table.wrong("port", "must be between 1 and 65535, for example 8090, or 0 to shut the door")
    if inbound.public_url and not inbound.public_url.startswith(("https://", "http://")):
        table.wrong("public_url", "must begin with https:// or http://")
    if called := [source.name for source in sources if needs_inbound(source.kind) and not inbound.port]:
        table.wrong("port", f'is missing; source "{called[0]}" is called from outside: add port = 8090')
    table.done()
    return inbound


def _second(table: Table, env: Mapping[str, str]) -> Second | None:
    key = Secret(env.get("LISTENER_SECOND_OPINION_KEY", "").strip())
    if not table.data:
        return None
    deep = table.get("deep", bool, False)
    if deep and table.text("url"):
        table.wrong("deep", "and url are two second opinions; keep one of them")
    second = Second(
        url=table.text("url", needed=not deep).rstrip("/"),
        model=table.text("model", needed=not deep),
        deep=deep,
        least=table.number("from", 0.25 if deep else 0.35),
        most=table.number("to", 0.75 if deep else 0.65),
        timeout=table.duration("timeout", timedelta(seconds=5)),
        per_hour=table.get("per_hour", int, 200),
        key=key,
    )
    if second.url and not second.url.startswith(("https://", "http://")):
        table.wrong("url", "must begin with https:// or http://")
    if second.key and second.url.startswith("http://") and urlsplit(second.url).hostname not in LOCAL:
        table.wrong("url", "must begin with https://: LISTENER_SECOND_OPINION_KEY would travel in the open")
    if not 0 <= second.least < second.most <= 1:
        table.wrong("from", "and to must be probabilities, from below to: from = 0.35 and to = 0.65")
    if second.per_hour < 1:
        table.wrong("per_hour", "must be 1 or more; leave [second_opinion] out to ask nobody")
    table.done()
    return second
