"""The commands as a person and a pipe use them: sentences for the one, JSON and nothing else for the other."""

import json
import re
import subprocess
import sys
from pathlib import Path

import configs
import pytest
from click.testing import CliRunner, Result
from everycommand import COMMANDS

from listener.cli import main

POSTS = [
    {
        "id": "1",
        "text": "Acme Air lost my bag for the third time and nobody answers",
        "url": "https://x.example/1",
        "author": "juno",
        "created": "2026-05-04T12:00:00Z",
    },
    {
        "id": "2",
        "text": "Acme Air, =1+1, you are wonderful, thank you",
        "url": "https://x.example/2",
        "author": "=cmd()",
    },
    {"id": "3", "text": "nothing about anybody"},
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    recorded = tmp_path / "config" / "posts.jsonl"
    directory = configs.write(
        tmp_path / "config", sources='[[source]]\nname = "recorded"\nkind = "replay"\nfile = "posts.jsonl"\n'
    )
    recorded.write_text("".join(json.dumps(post) + "\n" for post in POSTS))
    return directory


def listener(config: Path, *arguments: str, given: str = "", code: int = 0) -> Result:
    name, *rest = arguments
    result = CliRunner().invoke(main, [name, "--config", str(config), *rest], input=given)
    assert result.exit_code == code, result.output + result.stderr
    assert "Traceback" not in result.output + result.stderr
    return result


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_once_says_what_it_did(config: Path) -> None:
    done = json.loads(listener(config, "once", "--json").stdout)
    assert {key: done[key] for key in ("fetched", "new", "mentions", "complaints", "opened")} == {
        "fetched": 3,
        "new": 3,
        "mentions": 2,
        "complaints": 1,
        "opened": 1,
    }
    assert done["sources"] == [{"name": "recorded", "state": "heard", "fetched": 3, "note": ""}]
    assert json.loads(listener(config, "once", "--json").stdout)["new"] == 0


def test_cards_go_to_stderr_when_stdout_is_a_pipe_of_json(config: Path) -> None:
    result = listener(config, "once", "--json")
    assert "Dana Fox" in result.stderr
    json.loads(result.stdout)


def test_a_case_from_acknowledged_to_verified(config: Path) -> None:
    listener(config, "once")
    [case] = lines(listener(config, "cases", "--json"))
    assert {
        "id",
        "brand",
        "status",
        "priority",
        "severity",
        "owner",
        "due",
        "opened",
        "promise",
        "posts",
    } <= case.keys()
    listener(config, "ack", "1", "--as", "dana fox", "--promise", "call her", "--by", "1h")
    listener(config, "handover", "1", "--as", "Dana Fox", "--to", "Lee Park", "--note", "speaks Portuguese")
    listener(config, "accept", "1", "--as", "Lee Park")
    listener(config, "promise", "1", "bring the bag", "--by", "3h", "--reason", "courier is late", "--as", "Lee Park")
    report = (
        "--outcome",
        "solved",
        "--done",
        "bag brought to her door",
        "--remedy",
        "40 EUR",
        "--evidence",
        "ticket 9",
    )
    listener(config, "report", "1", "--as", "Lee Park", *report)
    listener(config, "follow-up", "1", "--as", "Lee Park", "--result", "verified")
    assert lines(listener(config, "cases", "--json")) == []
    told = json.loads(listener(config, "case", "1", "--json").stdout)
    assert (told["status"], told["owner"]) == ("closed", "Lee Park")
    kinds = [event["kind"] for event in told["timeline"]]
    assert kinds == [
        "Opened",
        "Acknowledged",
        "Promised",
        "HandoverOffered",
        "HandoverAccepted",
        "Promised",
        "ReportedBack",
        "FollowedUp",
    ]
    listener(config, "reopen", "1", "--as", "Sam Ortiz", "--reason", "bag is not hers")
    listener(config, "dismiss", "1", "--as", "Lee Park", "--reason", "written in anger")
    assert json.loads(listener(config, "audit", "--json").stdout)["balanced"]


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("who", "--brand", "Nobody"), 1, "is not a brand"),
        (("who", "--brand", "Acme Air", "--priority", "P4"), 1, "has no row for P4"),
        (("away", "--as", "Dana Fox"), 2, "either --until"),
        (("away", "--as", "Nobody", "--until", "3d"), 1, "nobody is called"),
        (("ack", "99", "--as", "Dana Fox"), 1, "case 99"),
        (("who", "--brand", "Nobody"), 1, "is not a brand"),
        (("who", "--brand", "Acme Air", "--priority", "P4"), 1, "has no row for P4"),
        (("away", "--as", "Dana Fox"), 2, "either --until"),
        (("away", "--as", "Nobody", "--until", "3d"), 1, "nobody is called"),
        (("ack", "1", "--as", "Nobody"), 1, 'nobody is called "Nobody"'),
        (("ack", "one", "--as", "Dana Fox"), 2, "not a valid integer"),
        (("ack", "1"), 2, "Missing option '--as'"),
        (("ack", "1", "--as", "Dana Fox", "--by", "soon"), 2, "neither a duration"),
        (
            (
                "report",
                "1",
                "--as",
                "Dana Fox",
                "--outcome",
                "solved",
                "--done",
                "apologised",
                "--remedy",
                "x",
                "--evidence",
                "y",
            ),
            1,
            "an apology alone",
        ),
        (("search", "(a OR"), 1, "column"),
        (("search", "severity>=high"), 1, "severity"),
        (("digest", "--format", "pdf"), 2, "pdf"),
        (("erase",), 2, "say what"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(config: Path, arguments: tuple[str, ...], code: int, why: str) -> None:
    listener(config, "once")
    assert why in listener(config, *arguments, code=code).stderr


def test_a_wrong_configuration_starts_nothing(tmp_path: Path) -> None:
    directory = configs.write(tmp_path, brands="")
    result = listener(directory, "once", code=1)
    assert "nothing was started" in result.stderr and "add a [[brand]]" in result.stderr
    assert not (tmp_path / "listener.db").exists()


def test_search_as_lines_and_as_a_sheet_without_formulas(config: Path) -> None:
    listener(config, "once")
    rows = lines(listener(config, "search", "acme", "--json"))
    wanted = {"id", "brand", "source", "url", "author", "created", "text", "verdict", "severity", "priority", "case"}
    assert len(rows) == 2 and wanted <= rows[0].keys()
    sheet = listener(config, "search", "wonderful", "--csv").stdout
    assert "'=cmd()" in sheet and ",=cmd" not in sheet
    assert "1 found" in listener(config, "search", "verdict:complaint").stdout


def test_assess_streams_and_needs_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = '{"id": 7, "text": "Larkspur is broken again, useless"}\n\n{"id": "b", "text": "hello"}\n'
    result = CliRunner().invoke(main, ["assess", "--brand", "Larkspur"], input=given)
    told = lines(result)
    assert [one["id"] for one in told] == ["7", "b"]
    assert told[0].keys() >= {"id", "brand", "verdict", "complaint", "severity", "priority", "reasons"}
    assert told[0]["verdict"] == "complaint" and told[0]["reasons"][0].keys() >= {"factor", "points", "words"}  # type: ignore[index]


def test_assess_names_the_line_it_cannot_read(config: Path) -> None:
    assert (
        "line 2" in listener(config, "assess", "--brand", "Acme Air", given='{"text": "x"}\nnot json\n', code=1).stderr
    )


def test_history_goes_out_and_comes_in_and_wakes_nobody(config: Path, tmp_path: Path) -> None:
    listener(config, "once")
    out = tmp_path / "all.jsonl"
    listener(config, "export", "--out", str(out))
    assert len(out.read_text().splitlines()) == 2
    other = configs.write(tmp_path / "other", sources=f'[[source]]\nname = "none"\nkind = "replay"\nfile = "{out}"\n')
    told = json.loads(listener(other, "import", str(out), "--json").stdout)
    assert (told["rows"], told["new"], told["mentions"]) == (2, 2, 2)
    assert json.loads(listener(other, "import", str(out), "--json").stdout)["new"] == 0
    assert lines(listener(other, "cases", "--json")) == []
    assert len(lines(listener(other, "search", "acme", "--json"))) == 2


def test_replay_says_what_other_rules_would_do(config: Path, tmp_path: Path) -> None:
    listener(config, "once")
    rules = tmp_path / "triage.new.toml"
    rules.write_text("complaint_from = 0.9999\n")
    told = json.loads(listener(config, "replay", "--since", "9999d", "--policy", str(rules), "--json").stdout)
    assert (told["before"], told["after"], len(told["changes"])) == (1, 0, 1)


def test_replay_says_whom_another_ladder_would_have_told_and_woken(config: Path, tmp_path: Path) -> None:
    listener(config, "once")
    people = tmp_path / "people.new.toml"
    others = re.sub(r"ladder = \[.*?\]", 'ladder = ["Sam Ortiz"]', (config / "people.toml").read_text())
    people.write_text(others)
    told = json.loads(listener(config, "replay", "--since", "9999d", "--policy", str(people), "--json").stdout)
    told_now, told_then = told["calls_before"]["times"], told["calls_after"]["times"]
    assert (set(told_now), set(told_then)) == ({"Dana Fox"}, {"Sam Ortiz"})
    assert "Sam Ortiz" in listener(config, "replay", "--since", "9999d", "--policy", str(people)).stdout
    people.write_text('[policy.other]\nP1 = { acknowledge = "5m", report = "2h", ladder = ["Nobody"] }\n')
    refused = listener(config, "replay", "--policy", str(people), code=1)
    assert 'has no "care", which Acme Air follows' in refused.stderr


def test_erased_means_gone(config: Path) -> None:
    listener(config, "once")
    assert "1 posts erased" in listener(config, "erase", "--author", "juno", "--yes").stdout
    assert lines(listener(config, "search", "bag", "--json")) == []
    assert "bag" not in listener(config, "case", "1", "--json").stdout
    assert json.loads(listener(config, "audit", "--json").stdout)["balanced"]


def test_digest_tells_what_is_owed_and_what_was_not_heard(config: Path) -> None:
    listener(config, "once")
    text = listener(config, "digest").stdout
    assert (
        "Acme Air: 1 complaint, 1 praise" in text
        and "Dana Fox" in text
        and "Everything that is listened to was heard." in text
    )
    (config / "posts.jsonl").unlink()
    listener(config, "once")
    assert "recorded: blocked" in listener(config, "digest").stdout
    told = json.loads(listener(config, "digest", "--format", "json").stdout)
    assert told["opened"] == 1 and told["deaf"][0]["source"] == "recorded"


def test_sources_and_coverage_say_how_well_it_is_heard(config: Path) -> None:
    assert "never heard" in listener(config, "sources").output
    assert "recorded: never heard" in listener(config, "coverage").output
    listener(config, "once", "--json")
    (ear,) = lines(listener(config, "sources", "--json"))
    assert (ear["name"], ear["kind"], ear["state"], ear["per_hour"]) == ("recorded", "replay", "heard", 0.1)
    assert "Everything that is listened to was heard." in listener(config, "coverage").output
    assert listener(config, "coverage", "--json").stdout == ""


def test_who_would_be_told_and_who_is_away(config: Path) -> None:
    told = listener(config, "who", "--brand", "acme air").output
    assert "-> 1. Dana Fox: on duty, place 1 on the ladder" in told and "Last: Sam Ortiz." in told
    listener(config, "once", "--json")
    told = listener(config, "away", "--as", "dana fox", "--until", "3d").output
    assert "1 open cases are still theirs" in told and 'listener handover 1 --as "Dana Fox"' in told
    step = json.loads(listener(config, "who", "--brand", "Acme Air", "--json").stdout)
    assert (step["told"]["name"], step["steps"][0]["off"]) == ("Lee Park", "away")
    later = json.loads(listener(config, "who", "--brand", "Acme Air", "--at", "4d", "--json").stdout)
    assert later["told"]["name"] == "Dana Fox"
    listener(config, "away", "--as", "Dana Fox", "--back")
    assert json.loads(listener(config, "who", "--brand", "Acme Air", "--json").stdout)["told"]["name"] == "Dana Fox"


def test_a_draft_is_read_before_it_is_posted(config: Path) -> None:
    told = listener(config, "guard", "You should have called. We will call you by Friday.").output
    assert "blame: “You should have”. Better:" in told and "promise nobody has booked" in told
    listener(config, "once", "--json")
    listener(config, "ack", "1", "--as", "Dana Fox", "--by", "5h")
    found = lines(listener(config, "guard", "--case", "1", "--json", given="You should have called. We will call you."))
    assert [(one["fault"], one["start"]) for one in found] == [("blame", 0)]
    assert "Nothing here" in listener(config, "guard", given="Your bag is on tonight's flight.").output


def test_doctor_says_what_to_mend(config: Path) -> None:
    assert json.loads(listener(config, "doctor", "--json").stdout)["ok"]
    (config / "posts.jsonl").unlink()
    found = listener(config, "doctor", code=1).stdout
    assert "mend" in found and "source recorded" in found
    (config / "people.toml").write_text("[[person]]\nnam = 3\n")
    told = json.loads(listener(config, "doctor", "--json", code=1).stdout)
    assert not told["ok"] and "people.toml" in told["checks"][0]["found"]


def test_who_left_still_has_their_cases_until_they_are_handed_over_in_their_name(config: Path) -> None:
    listener(config, "once")
    people = config / "people.toml"
    people.write_text(people.read_text().replace("Dana Fox", "Eva Noor"))
    found = " ".join(listener(config, "doctor", code=1).stdout.split())
    assert "not in people.toml, but still have cases: 1 (Dana Fox)" in found
    listener(config, "handover", "1", "--as", "Dana Fox", "--to", "Sam Ortiz")
    listener(config, "accept", "1", "--as", "Sam Ortiz")
    assert json.loads(listener(config, "doctor", "--json").stdout)["ok"]


def test_init_writes_a_configuration_that_doctor_can_read(tmp_path: Path) -> None:
    answers = ("--brand", "Acme Air", "--feed", "https://blog.example/", "--person", "Dana Fox", "--timezone", "UTC")
    listener(tmp_path / "new", "init", *answers)
    assert lines(listener(tmp_path / "new", "cases", "--json")) == []
    assert "nothing was changed" in listener(tmp_path / "new", "init", *answers, code=1).stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0 and "_LISTENER_COMPLETE" in result.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "listener " + name in result.output.replace("Usage: main", "")


def test_what_only_asks_for_help_waits_for_no_library() -> None:
    """Whatever is slow to read is read by the command that needs it."""
    asked = "import sys, listener.cli; sys.exit(bool({'aiohttp', 'slack_sdk', 'sqlite_utils'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
    assert all(command.name == name and command.help for name, command in COMMANDS.items())
