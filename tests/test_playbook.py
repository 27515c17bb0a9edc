"""A proposal in proportion, and what the platform allows: shown to the person who decides."""

from pathlib import Path

import configs
import pytest
from builders import NOW, post

from escalation.outreach import ELSEWHERE, allowed
from listener.playbook import PlaybookError, load_playbook, propose
from listener.settings import load
from listener.tables import ConfigError
from listener.weigh import scales, weigh


@pytest.mark.parametrize(
    ("cause", "severity", "name"),
    [
        ("safety", 90, "Stop the harm, and a call from the top."),
        ("billing", 90, "A call from the top."),
        ("privacy", 50, "Privacy first."),
        ("billing", 60, "Make good."),
        ("delivery", 30, "Apology and fix."),
        ("quality", 5, "Fix only."),
    ],
)
def test_the_proposal_grows_with_the_harm(cause: str, severity: int, name: str) -> None:
    assert propose(load_playbook(), cause, severity).startswith(name)


def test_a_list_of_ones_own_takes_its_place(tmp_path: Path) -> None:
    directory = configs.write(tmp_path)
    (directory / "playbook.toml").write_text('[[response]]\nname = "Cake"\ncauses = ["safety"]\nsay = "Send one."\n')
    weights = scales(load(directory, {}))
    (fire,) = weigh([post(text="The Acme Air charger caught fire and burned my hand")], weights, NOW)
    assert fire.mentions[0].opening and fire.mentions[0].opening.subject.proposal == "Cake. Send one."
    (late,) = weigh([post(text="Acme Air lost my bag, third time I call, nobody answers")], weights, NOW)
    assert late.mentions[0].opening and late.mentions[0].opening.subject.proposal == ""


def test_every_mistake_in_a_playbook_is_named(tmp_path: Path) -> None:
    directory = configs.write(tmp_path)
    (directory / "playbook.toml").write_text('[[response]]\nname = 3\ncolour = "red"\n[[response]]\nname = "Cake"\n')
    with pytest.raises(ConfigError) as wrong:
        load(directory, {})
    told = str(wrong.value)
    for mistake in ("3.say: is missing", "3.colour: is not a key", "3.name: must be a text", "Cake.say: is missing"):
        assert mistake in told


def test_a_playbook_is_a_list_of_responses() -> None:
    with pytest.raises(PlaybookError, match="must be tables"):
        load_playbook({"response": "x"})


@pytest.mark.parametrize(
    ("site", "says"),
    [
        ("x.com", "automation rules"),
        ("old.reddit.com", "private message"),
        ("www.youtube.com", "channel"),
        ("blog.example", ELSEWHERE),
    ],
)
def test_what_a_platform_allows_is_said(site: str, says: str) -> None:
    assert says in allowed(site)


@pytest.mark.parametrize("site", ["notx.com", "", "x.com.example"])
def test_a_name_that_only_looks_alike_is_elsewhere(site: str) -> None:
    assert allowed(site) == ELSEWHERE
