"""The configuration: small ones work, wrong ones are refused whole, each mistake with its place and its mend."""

from datetime import timedelta
from pathlib import Path

import configs
import pytest

from listener.settings import load
from listener.storage.address import shown
from listener.tables import ConfigError


def mistakes(directory: Path, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refused:
        load(directory, env or {})
    return str(refused.value)


def test_the_smallest_configuration(tmp_path: Path) -> None:
    settings = load(configs.write(tmp_path), {})
    assert [brand.name for brand in settings.brands] == ["Acme Air"]
    assert settings.sources[0].every == timedelta(minutes=10)
    assert settings.database == str(tmp_path / "listener.db")
    policy = settings.policies["care"]["P1"]
    assert (policy.acknowledge, policy.ladder[0]) == (timedelta(minutes=5), "Dana Fox")
    assert settings.person("dana fox") == settings.people[0]


def test_what_was_brought_lies_where_we_may_write(tmp_path: Path) -> None:
    """Beside the database file; where there is none, a container's configuration cannot be written."""
    directory, elsewhere = configs.write(tmp_path), {"LISTENER_STATE": "/var/lib/post"}
    assert load(directory, elsewhere).spool == tmp_path / "inbox"
    directory = configs.write(tmp_path, listener='database = "postgresql://db.example/care"\n')
    assert load(directory, {}).spool == tmp_path / "inbox"
    assert load(directory, elsewhere).spool == Path("/var/lib/post/inbox")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    told = mistakes(
        configs.write(
            tmp_path,
            listener='databse = "x"\n',
            brands='[[brand]]\nname = "A"\nquery = "(a OR"\npolicy = "cere"\n[[brand]]\nname = "B"\nquery = "NOT x"\npolicy = "care"\n',
            sources='[[source]]\nname = "s"\nkind = "feeed"\n[[source]]\nname = "t"\nkind = "feed"\nevery = "often"\nabout = "Acmy"\nurll = 3\n',
            people='[[person]]\nname = "Dana"\ntimezone = "Mars/Olympus"\nhours = "always"\nbackup = "Nobody"\n[policy.care]\n'
            'P1 = { acknowledge = "0m", report = 5, ladder = ["Dona"] }\nP9 = {}\n',
        )
    )
    for part in (
        "listener.toml: database: is missing",
        "listener.toml: databse: is not a key",
        'brands.toml: [[brand]] A.policy: "cere" is not a policy',
        "brands.toml: [[brand]] A.query",
        "brands.toml: [[brand]] B.query",
        "feeed",
        "urll",
        '[[source]] t.about: "Acmy" is not a brand',
        "url: is missing",
        '"often" is not a duration',
        '"Mars/Olympus" is not a time zone',
        '"always" is not hours',
        'nobody is called "Nobody"',
        'nobody is called "Dona"',
        '"0m" is not a duration',
        "report: must be a text",
        "P9: is not a key",
    ):
        assert part in told, f"missing: {part}\n{told}"


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    configs.write(tmp_path, people="[[person]\n")
    (tmp_path / "brands.toml").unlink()
    told = mistakes(tmp_path)
    assert "brands.toml: is missing" in told
    assert "people.toml: is not TOML" in told and "line 1" in told


def test_an_empty_configuration_says_what_to_add(tmp_path: Path) -> None:
    told = mistakes(configs.write(tmp_path, listener='database = "x.db"', brands="", sources="", people=""))
    for part in ("add a [[brand]]", "add a [[source]]", "add a [[person]]", "add [policy.care]"):
        assert part in told


def test_a_server_is_named_as_it_is_and_a_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    for database, meant in (("postgresql://pia@db.example/care", None), ("care.db", str(tmp_path / "care.db"))):
        settings = load(configs.write(tmp_path, listener=f'database = "{database}"'), {})
        assert settings.database == (meant or database)


def test_a_password_in_an_address_is_shown_to_nobody() -> None:
    assert shown("postgresql://pia:s3:cr@t@db.example/care?x=1") == "postgresql://pia@db.example/care?x=1"
    assert "s3cret" not in shown("postgresql://db.example/care?user=pia&password=s3cret&x=1")


def test_tokens_come_from_the_environment_and_never_show(tmp_path: Path) -> None:
    slack = 'database = "x.db"\n[slack]\nchannel = "C0CARE"\napi_url = "http://127.0.0.1:1/api/"\n'
    settings = load(configs.write(tmp_path, listener=slack), {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"})
    assert settings.slack.on and settings.slack.hears_clicks
    assert "xoxb" not in repr(settings) and "xapp" not in repr(settings)


def test_a_token_without_a_channel_is_a_mistake(tmp_path: Path) -> None:
    assert "SLACK_BOT_TOKEN is set" in mistakes(configs.write(tmp_path), {"SLACK_BOT_TOKEN": "xoxb-1"})


def test_a_brand_may_have_its_own_channel(tmp_path: Path) -> None:
    slack = 'database = "x.db"\n[slack.channels]\n"Acme Air" = "C0ACME"\nOther = "C1"\n'
    assert '"Other" is not a brand' in mistakes(configs.write(tmp_path, listener=slack))


def test_private_hosts_are_opened_by_file_and_by_environment(tmp_path: Path) -> None:
    listener = 'database = "x.db"\n[http]\nallow_private = ["blog.intranet.example"]\n'
    settings = load(configs.write(tmp_path, listener=listener), {"LISTENER_ALLOW_PRIVATE": "127.0.0.1, 10.0.0.5:8080"})
    assert settings.allow_private == {"blog.intranet.example", "127.0.0.1", "10.0.0.5:8080"}


def test_triage_rules_are_checked_with_everything_else(tmp_path: Path) -> None:
    told = mistakes(configs.write(tmp_path, triage="[priority]\nP1 = 1\n[famly]\n", brands=""))
    assert "triage.toml" in told and "brands.toml" in told


@pytest.mark.parametrize("name", ["a:b", ""])
def test_a_source_needs_a_name_that_can_stand_in_front_of_an_id(tmp_path: Path, name: str) -> None:
    assert "name" in mistakes(
        configs.write(tmp_path, sources=f'[[source]]\nname = "{name}"\nkind = "feed"\nurl = "https://x.example"\n')
    )


@pytest.mark.parametrize(
    ("line", "mend"), [('host = ""', "0.0.0.0"), ("port = 0", "between 1 and 65535"), ("port = 65536", "between 1")]
)
def test_where_presses_arrive_must_be_a_place(tmp_path: Path, line: str, mend: str) -> None:
    assert mend in mistakes(configs.write(tmp_path, listener=f'database = "x.db"\n[slack]\nmode = "http"\n{line}\n'))


def test_presses_arrive_at_this_machine_alone_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    assert load(configs.write(tmp_path), {}).slack.host == "127.0.0.1"
    settings = load(configs.write(tmp_path, listener='database = "x.db"\n[slack]\nhost = "0.0.0.0"\n'), {})
    assert settings.slack.host == "0.0.0.0"


ROUTE = """
[[policy.care.route]]
name = "German speakers"
when = "lang:de"
ladder = ["Sam Ortiz"]
"""


def test_a_route_has_the_clocks_of_its_policy_and_a_ladder_of_its_own(tmp_path: Path) -> None:
    settings = load(configs.write(tmp_path, people=configs.FILES["people.toml"] + ROUTE), {})
    [route] = settings.routes["care"]
    assert route.policies["P2"].acknowledge == settings.policies["care"]["P2"].acknowledge
    assert [person.name for person in route.policies["P2"].people] == ["Sam Ortiz"]


@pytest.mark.parametrize(
    ("was", "is_", "mend"),
    [
        ('when = "lang:de"', "", 'fits everything; add causes = ["billing"] or when = "lang:de"'),
        ('"lang:de"', '"lang:de AND ("', "column"),
        ("Sam Ortiz", "Nobody", 'nobody is called "Nobody"'),
    ],
)
def test_a_route_that_cannot_be_is_refused_with_its_mend(tmp_path: Path, was: str, is_: str, mend: str) -> None:
    assert mend in mistakes(configs.write(tmp_path, people=configs.FILES["people.toml"] + ROUTE.replace(was, is_)))


@pytest.mark.parametrize("key", ['warn = "soon"', 'clock = "lunch"', 'take_back = "0x"'])
def test_a_clock_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    people = configs.FILES["people.toml"].replace('acknowledge = "5m"', f'acknowledge = "5m", {key}')
    assert key.partition(" ")[0] in mistakes(configs.write(tmp_path, people=people))
