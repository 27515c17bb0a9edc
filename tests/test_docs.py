"""What the documents say is so: links lead somewhere, commands work as written, configurations load, names are the code's."""

import asyncio
import json
import re
import shlex
import shutil
import sqlite3
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import configs
import postgresserver
import pytest
from builders import batch, complaint
from click.testing import CliRunner
from everycommand import COMMANDS
from webserver import Server

from escalation.events import Event
from listener.cli import main
from listener.query import QueryError, parse
from listener.settings import load
from listener.storage.sqlite import SqliteStore
from listener.tables import ConfigError

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    \S.*\n)+", re.MULTILINE)
COMMAND = re.compile(r"^\s*(?:\$ |ExecStart=|[^|]+\| )?(?:\S*/)?listener ([a-z].*)$")
CODE = re.compile(r"`([^`\n]+)`")
NOT_RUN = {"run", "demo"}  # they go on until stopped; test_demo.py plays the story
POSTS = [
    {"id": "4711", "text": "The Acme Air charger caught fire, and nobody ever called me back.", "author": "marta"},
    {"id": "2", "text": "Thank you, Acme Air, for a lovely flight!", "author": "juno"},
]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_document = pytest.mark.parametrize("path", DOCS, ids=name_of)


def prose(path: Path) -> str:
    return FENCED.sub("", path.read_text("utf-8"))


def blocks(path: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCED.findall(path.read_text("utf-8")) if language in languages]


# Links and names


@each_document
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(<?([^)\s>]+)>?\)", prose(path)):
        if not re.match(r"[a-z]+:", target):
            where, _, anchor = target.partition("#")
            file = (path.parent / where) if where else path
            assert file.exists(), f"{name_of(path)} links to {target}"
            assert not anchor or anchor in headings(file), f"{name_of(path)} links to {target}"


def headings(path: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


OURS = re.compile(r"(?:connectors|escalation|listener|tests|docs|config|benchmarks)/[\w./-]+")


@each_document
def test_every_file_it_names_is_there(path: Path) -> None:
    if path.name == "CHANGELOG.md":
        return  # it may speak of what once was
    for code in CODE.findall(prose(path)):
        if OURS.fullmatch(code) and code not in ("config/secrets.env",):
            beside = ROOT / "listener" / "demo" / code  # a page about the demo may name its own files
            assert (ROOT / code).exists() or beside.exists(), f"{name_of(path)} speaks of {code}"


def test_every_target_of_make_that_is_named_exists() -> None:
    there = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for path in DOCS for target in re.findall(r"(?:`|^|\s{4})make (\w+)", path.read_text("utf-8"))}
    assert {"demo", "test", "install"} <= named <= there


def test_the_events_of_a_case_are_the_ones_the_page_names() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text("utf-8")
    [told] = re.findall(r"^Events: (.*?)\(\[`events.py`\]", text, re.MULTILINE | re.DOTALL)
    assert set(CODE.findall(told)) == {kind.__name__ for kind in get_args(Event)}


def test_the_readme_names_every_command() -> None:
    told = {word for code in CODE.findall(prose(ROOT / "README.md")) for word in code.split()}
    assert COMMANDS.keys() - told == set()


# Commands


def typed(text: str) -> Iterator[list[str]]:
    """The words after `listener` of every command line, without what a shell does with its output."""
    for line in text.replace("\\\n", " ").splitlines():
        if found := COMMAND.match(line):
            lexer = shlex.shlex(found[1], posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
            ends = [place for place, word in enumerate(words) if set(word) <= set("|&;<>()")]
            yield words[: ends[0]] if ends else words


def commands_in(path: Path) -> list[list[str]]:
    shown = blocks(path, "", "sh", "bash", "console", "ini") + INDENTED.findall(prose(path))
    return [words for block in shown for words in typed(block)]


def parsed(words: list[str]) -> None:
    """By the real parser, which also looks at the files that are named. Raises click.UsageError."""
    lay_out(words)
    COMMANDS[words[0]].make_context(words[0], words[1:]).close()


def lay_out(words: list[str]) -> None:
    """Empty files in the working directory, by the names a command line gives them."""
    for word in words:
        if re.fullmatch(r"(config/)?[\w.-]+\.(csv|jsonl|toml)", word):
            Path(word).parent.mkdir(exist_ok=True)
            Path(word).touch()


EXAMPLES = [
    pytest.param(words, id=" ".join(words)[:60])
    for command in COMMANDS.values()
    for words in typed(command.help or "")
    if len(words) > 1 or words[0] != "init"  # which asks
]


@pytest.mark.parametrize("words", EXAMPLES)
def test_the_examples_in_the_help_are_right_use(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parsed(words)


def test_every_command_has_an_example_in_its_help() -> None:
    shown = {words[0] for command in COMMANDS.values() for words in typed(command.help or "")}
    assert COMMANDS.keys() == shown


@each_document
def test_every_command_line_is_right_use(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in commands_in(path):
        try:
            parsed(words)
        except (click.UsageError, KeyError) as wrong:
            raise AssertionError(f"{name_of(path)}: listener {shlex.join(words)}: {wrong}") from wrong


@each_document
def test_a_command_named_in_passing_exists_with_its_options(path: Path) -> None:
    for code in CODE.findall(prose(path)):
        if found := re.match(r"listener ([a-z-]+)(.*)", code):
            assert found[1] in COMMANDS, f"{name_of(path)} speaks of `{code}`"
            known = {option for each in COMMANDS[found[1]].params for option in each.opts}
            assert set(re.findall(r"--[a-z-]+", found[2])) <= known | {"--help"}, f"{name_of(path)} speaks of `{code}`"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house that has heard two posts and opened a case."""
    sources = '[[source]]\nname = "travel-blogs"\nkind = "replay"\nfile = "posts.jsonl"\n'
    directory = configs.write(tmp_path / "config", sources=sources)
    (directory / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in POSTS))
    monkeypatch.setenv("LISTENER_CONFIG", str(directory))
    monkeypatch.chdir(tmp_path)
    ran("once")
    return directory


def ran(*words: str, given: str = "") -> str:
    result = CliRunner().invoke(main, list(words), input=given)
    assert result.exit_code == 0, f"listener {shlex.join(words)}: {result.output}{result.stderr}"
    return result.stdout


@pytest.mark.parametrize("path", [path for path in DOCS if any(commands_in(path))], ids=name_of)
def test_the_command_lines_do_what_they_say_in_the_order_they_are_shown(path: Path, config: Path) -> None:
    for words in commands_in(path):
        here = [
            str(config) if before == "--config" else word for before, word in zip(["", *words], words, strict=False)
        ]
        if words[0] == "migrate":
            here = ["migrate", "--from", str(config / "listener.db"), "--to", postgresserver.url()]
        if words[0] == "init":
            shutil.rmtree(config)
        if words[0] not in NOT_RUN:
            asked = json.dumps(POSTS[0]) + "\n" if words[0] == "assess" else "y\n"
            lay_out(words)
            ran(*here, given=asked)
    assert json.loads(ran("audit", "--json"))["balanced"]


# Configuration


def files_in(block: str) -> dict[str, str]:
    """File name -> text, where a comment names the file; nothing where none does."""
    parts = re.split(r"^# (?:config/)?(\w+\.toml)\b.*\n", block, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@each_document
def test_every_piece_of_toml_says_only_what_the_settings_know(path: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(path, "toml")):
        tomllib.loads(block)
        there = configs.write(tmp_path / str(number))
        for name, text in files_in(block).items():
            (there / name).write_text(text)
        wrong = [problem for problem in mistakes(there) if _of_its_own(problem)]
        assert not wrong, f"{name_of(path)}: {wrong}"


def _of_its_own(problem: str) -> bool:
    """A piece may leave out what stands elsewhere; what it says must be right."""
    return not re.search(
        r"is missing|in the environment|names nobody|has no policy|is not a policy|is not a brand|nobody is called",
        problem,
    )


def mistakes(directory: Path) -> list[str]:
    try:
        load(directory, {})
    except ConfigError as wrong:
        return [str(problem) for problem in wrong.problems]
    return []


def test_the_readmes_configuration_is_enough_to_hear_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [block] = blocks(ROOT / "README.md", "toml")
    files = files_in(block)
    assert files.keys() == {"listener.toml", "brands.toml", "sources.toml", "people.toml"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert mistakes(tmp_path) == []


FEED = """<rss version="2.0"><channel><title>Trips</title><item><guid>1</guid><link>https://blog.example/1</link>
<title>Smoke</title><description>My seat's charger on @acmeair caught fire and I burned my hand.</description></item>
<item><guid>2</guid><link>https://blog.example/2</link><title>Tools</title><description>Acme Hardware sells Acme Air hoses,
which caught fire.</description></item></channel></rss>"""


async def test_and_it_opens_a_case_for_the_one_person_it_names(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/feed.xml"] = FEED
    for name, text in files_in(blocks(ROOT / "README.md", "toml")[0]).items():
        (tmp_path / name).write_text(text.replace("https://blog.example", server.address))
    monkeypatch.setenv("LISTENER_ALLOW_PRIVATE", server.host)
    told = await asyncio.to_thread(ran, "once", "--config", str(tmp_path), "--json")
    done = json.loads(told)
    assert (done["fetched"], done["mentions"], done["opened"], done["sources"][0]["state"]) == (2, 1, 1, "heard")
    [case] = (await asyncio.to_thread(ran, "cases", "--config", str(tmp_path), "--json")).splitlines()
    assert (json.loads(case)["owner"], json.loads(case)["priority"]) == ("Dana Fox", "P1")


# The query language

QUERIES = ROOT / "docs" / "query-language.md"


def queries() -> list[str]:
    text = QUERIES.read_text("utf-8")
    cells = re.findall(r"^\| (.+?) \| .+ \|$", text, re.MULTILINE)
    [searches] = re.findall(r"^Only in a search: (.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    return [code for cell in [*cells, searches] for code in CODE.findall(cell)]


@pytest.mark.parametrize("query", queries())
def test_every_example_of_a_query_is_one(query: str) -> None:
    assert parse(query)


def test_a_mistake_in_a_query_is_answered_as_the_page_shows() -> None:
    [shown] = blocks(QUERIES, "text")
    with pytest.raises(QueryError) as refused:
        parse(shown.splitlines()[-2].strip())
    assert str(refused.value).split("; ")[0] == shown.split("; ")[0]


# Storage

STORAGE = ROOT / "docs" / "storage.md"


def test_every_table_has_its_line(config: Path) -> None:
    text = STORAGE.read_text("utf-8").split("## Tables")[1].split("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    with sqlite3.connect(config / "listener.db") as db:
        there = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.close()
    assert {name for name in there if not name.startswith(("posts_fts_", "sqlite_"))} == told


def test_every_piece_of_sql_works_and_answers(config: Path) -> None:
    """On a connection of its own, as an operator's shell is: without our functions."""
    db = sqlite3.connect(config / "listener.db", isolation_level=None)
    answers = []
    for block in blocks(STORAGE, "sql"):
        for statement in filter(str.strip, block.split(";")):
            answers.append(db.execute(statement).fetchall())
    db.close()
    assert answers[0][0][:5] == (1, "Acme Air", "P1", "open", "Dana Fox")
    assert answers[1][0][2] == "Opened" and ("ok",) in answers[-2]
    assert json.loads(ran("audit", "--json"))["balanced"]


@pytest.mark.parametrize("way", ["listener backup", "VACUUM INTO"])
async def test_a_backup_taken_while_it_runs_is_whole(tmp_path: Path, way: str) -> None:
    store = await SqliteStore.open(str(tmp_path / "listener.db"))
    async with store.engine():
        await store.keep(batch(complaint("p1")))
        copy = configs.write(tmp_path / "restored") / "listener.db"
        if way == "VACUUM INTO":
            db = sqlite3.connect(tmp_path / "listener.db")
            db.execute("VACUUM INTO ?", (str(copy),))
            db.close()
        else:
            await store.backup(copy)
        await store.keep(batch(complaint("p2")))
    await store.aclose()
    assert [path.name for path in copy.parent.glob("listener.db*")] == ["listener.db"]
    restored = await SqliteStore.open(str(copy))
    assert (await restored.balance()).posts == {"blog": {"escalated": 1}}
    await restored.aclose()
