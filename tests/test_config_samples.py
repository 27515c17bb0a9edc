"""The samples in config/ are where a newcomer begins: they load, they show every setting, and they run as they are."""

import asyncio
import re
import socket
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from webserver import Server

from connectors import KINDS, check_options, secrets_of
from connectors.feed import Options
from listener.cli import main
from listener.settings import Settings, load
from listener.tables import ConfigError

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "config"
SECRETS = SAMPLES / "secrets.example.env"
TURNED_OFF = re.compile(r"^#(?=\[|[\w\"].* = )", re.MULTILINE)  # "#key = …"; prose has a blank after its #
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"}
ODD = "no_such_key"
FEED = """<rss version="2.0"><channel><title>Trips</title><item><guid>1</guid><link>https://blog.example/1</link>
<title>Smoke</title><description>The Acme Air charger caught fire and nobody answers me.</description></item></channel></rss>"""


def samples(to: Path, **changed: tuple[str, str]) -> Path:
    """A copy; sources=("old", "new") changes sources.toml."""
    to.mkdir(exist_ok=True)
    for path in SAMPLES.glob("*.toml"):
        text = path.read_text("utf-8")
        (to / path.name).write_text(text.replace(*changed.get(path.stem, ("", ""))), "utf-8")
    return to


def turned_on(to: Path) -> Path:
    for path in samples(to).glob("*.toml"):
        path.write_text(TURNED_OFF.sub("", path.read_text("utf-8")), "utf-8")
    (to / "posts.jsonl").write_text("")
    return to


def test_the_samples_load_as_they_are() -> None:
    settings = load(SAMPLES, {})
    assert settings.brands and settings.sources and settings.policies["care"].keys() == {"P1", "P2", "P3"}
    assert not settings.slack.on


def test_every_line_that_is_turned_off_can_be_turned_on(tmp_path: Path) -> None:
    settings = load(turned_on(tmp_path / "on"), TOKENS)
    assert settings.slack.channels == {"": "C0123456789", "Acme Air": "C0987654321"}
    assert [source.kind for source in settings.sources] == ["feed", "replay"]
    assert "P4" in settings.policies["care"]


def test_what_is_turned_off_shows_its_default_where_there_is_one(tmp_path: Path) -> None:
    off, on = load(SAMPLES, {}), load(turned_on(tmp_path / "on"), {})
    told = ("mode", "host", "port", "api_url")
    assert [getattr(on.slack, name) for name in told] == [getattr(off.slack, name) for name in told]
    assert (on.silent_after, on.sources[0].every) == (off.silent_after, off.sources[0].every)
    assert _feed(on).keys() - _feed(off).keys() == {"comments", "full_text", "history"}
    assert _as_options(on) == _as_options(off)


def _feed(settings: Settings) -> dict[str, object]:
    return dict(settings.sources[0].options)


def _as_options(settings: Settings) -> object:
    return Options(**_feed(settings))  # type: ignore[arg-type]


def known_keys(tmp_path: Path) -> set[str]:
    """What the settings accept, as they say it themselves when a key is wrong."""
    wrong = {
        "listener.toml": "".join(f"{ODD} = 1\n" if not t else f"[{t}]\n{ODD} = 1\n" for t in _tables("listener.toml")),
        "brands.toml": f"{ODD} = 1\n[[brand]]\n{ODD} = 1\n",
        "sources.toml": f"{ODD} = 1\n",
        "people.toml": f"{ODD} = 1\n[[person]]\n{ODD} = 1\n[[team]]\n{ODD} = 1\n[policy.care]\n{ODD} = 1\nP1 = {{ {ODD} = 1 }}\n",
    }
    for name, text in wrong.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, {})
    told = [str(problem) for problem in refused.value.problems if "known are" in str(problem)]
    assert len(told) == sum(text.count(ODD) for text in wrong.values()), told
    return {key for line in told for key in line.split("known are ")[1].split(", ")}


def _tables(name: str) -> list[str]:
    """The file's own keys, then its tables one level deep, as its sample shows them; a channel is named after a brand."""
    found = re.findall(r"^#?\[(\w+)\]", (SAMPLES / name).read_text("utf-8"), re.MULTILINE)
    return ["", *found]


def test_every_setting_is_shown_and_explained(tmp_path: Path) -> None:
    shown = "\n".join(path.read_text("utf-8") for path in SAMPLES.glob("*.toml"))
    explained = (ROOT / "docs" / "operating.md").read_text("utf-8")
    for key in known_keys(tmp_path) | {"name", "kind", "every", "brands"}:
        assert re.search(rf"\b{key}\b", shown), f"{key} is accepted, but no sample shows it"
        assert re.search(rf"\b{key}\b", explained), f"{key} is accepted, but operating.md does not explain it"


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_every_kind_of_source_is_shown_or_explained(kind: str) -> None:
    pages = [SAMPLES / "sources.toml", *(ROOT / "docs").rglob("*.md")]
    explained = "\n".join(path.read_text("utf-8") for path in pages)
    problems = check_options(kind, {ODD: 1, **dict.fromkeys(_needed(kind), "x")})
    [told] = [problem for problem in problems if "known are" in problem]
    for key in told.split("known are ")[1].split(", "):
        assert re.search(rf"`{key}`|\b{key} = ", explained), f'kind = "{kind}": {key} is explained nowhere'


def _needed(kind: str) -> list[str]:
    told = check_options(kind, {})
    return [problem.split(":")[0] for problem in told if "is missing" in problem]


class Environment(dict[str, str]):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        self.asked.add(key)
        return default


def test_every_variable_is_named_with_a_line_about_it_and_without_a_value() -> None:
    lines = SECRETS.read_text("utf-8").splitlines()
    named = {line.removesuffix("=") for line in lines if line and not line.startswith("#")}
    assert all(re.fullmatch(r"[A-Z_0-9]+", name) for name in named), "only names, never values"
    for before, line in pairwise(lines):
        assert line.startswith("#") or not line or before.startswith("# "), f"{line} has no line about it"
    env = Environment()
    load(SAMPLES, env)
    secrets = {variable for kind in KINDS for variable in secrets_of(kind).values()}
    assert env.asked | secrets == named


def test_run_as_they_are_the_samples_say_what_could_not_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The invented host has no address; here a port that nobody answers stands for it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    _point(tmp_path / "config", f"http://{nobody}/feed.xml", nobody, monkeypatch)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["once"])  # ./config is the default
    assert done.exit_code == 0 and "Traceback" not in done.output + done.stderr
    assert "travel-blogs: not reachable" in done.stdout and f"http://{nobody}/feed.xml" in done.stdout
    checked = CliRunner().invoke(main, ["doctor"])
    assert checked.exit_code == 1 and "mend source travel-blogs" in checked.stdout


async def test_with_a_real_address_in_its_place_the_samples_work(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/feed.xml"] = FEED
    _point(tmp_path / "config", f"{server.address}/feed.xml", server.host, monkeypatch)
    monkeypatch.chdir(tmp_path)
    done = await asyncio.to_thread(CliRunner().invoke, main, ["once"])
    assert done.exit_code == 0, done.output
    assert "1 complaints, 1 cases opened" in done.stdout and "Smoke" in done.stdout


def _point(config: Path, url: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    samples(config, sources=("https://blog.example/feed.xml", url))
    monkeypatch.setenv("LISTENER_ALLOW_PRIVATE", host)


def test_init_leaves_a_configuration_alone_and_says_so_before_it_asks(tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, ["init", "--config", str(samples(tmp_path / "config"))])
    assert refused.exit_code == 1 and refused.stdout == ""
    assert "has a configuration already; nothing was changed" in refused.stderr and "--config DIR" in refused.stderr
