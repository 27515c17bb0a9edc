"""The first configuration works as written, whatever the answers."""

from pathlib import Path

import pytest

from listener.settings import load
from listener.setup import Answers, write_config


@pytest.mark.parametrize(
    "answers",
    [
        Answers(brand="Acme Air", feed="https://blog.example/feed.xml", person="Dana Fox", timezone="America/Toronto"),
        Answers(brand='The "Quoted" Firm', feed="https://blog.example/", person='Ana "Ace" Öz\\', timezone="UTC"),
        Answers(brand="東京電話", feed="https://blog.example/", person="佐藤", timezone="Asia/Tokyo"),
    ],
)
def test_the_first_configuration_loads(tmp_path: Path, answers: Answers) -> None:
    write_config(tmp_path / "config", answers)
    settings = load(tmp_path / "config", {})
    assert [person.name for person in settings.people] == [answers.person]
    assert [brand.name for brand in settings.brands] == [answers.brand]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text("# ours")
    assert write_config(tmp_path, Answers(brand="A", feed="https://blog.example/", person="B")) == []
    assert (tmp_path / "people.toml").read_text() == "# ours"
    assert not (tmp_path / "brands.toml").exists()
