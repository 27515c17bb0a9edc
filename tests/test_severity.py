"""How bad: whose harm and how grave goes before loud words, in every language, and each reason stands in the text."""

import json

import pytest
from click.testing import CliRunner

from connectors.post import Post
from listener.cli import main
from listener.triage import Assessment, BrandTarget, RulesError, Verdict, assess, load_rules
from listener.triage.evaluate import held, judge, of_corpus, ordered
from listener.triage.gold import corpus, severity_pairs
from listener.triage.severity import graded

RULES = load_rules()
ACME = BrandTarget(name="Acme", aliases=("acme",))


def judged(text: str, lang: str = "") -> Assessment:
    return assess(Post(source="s", id="1", url="", text=text, lang=lang), ACME, RULES)


@pytest.mark.parametrize(
    ("lang", "text", "factor"),
    [
        ("en", "my Acme charger caught fire and my son is in hospital", "fire"),
        ("de", "mein Acme Ladegerät hat Feuer gefangen, mein Sohn ist im Krankenhaus", "fire"),
        ("es", "el cargador Acme explotó y mi hijo está en urgencias", "fire"),
        ("fr", "le chargeur Acme a pris feu, mon fils est aux urgences", "fire"),
        ("pt", "o carregador Acme pegou fogo, meu filho foi para o pronto-socorro", "fire"),
        ("it", "il caricatore Acme ha preso fuoco, mio figlio è in ospedale", "fire"),
    ],
)
def test_grave_harm_is_urgent_in_every_language(lang: str, text: str, factor: str) -> None:
    said = judged(text, lang)
    assert said.verdict is Verdict.COMPLAINT and said.priority in ("P1", "P2"), said
    assert factor in [reason.factor for reason in said.reasons]
    assert all(text[one.start : one.end] == one.words for one in said.reasons if one.start >= 0)


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "this Acme deal is fire"),
        ("en", "Acme shares on fire after results, analysts say"),
        ("de", "der Acme Brandneu Rabatt ist der Hammer, danke"),
    ],
)
def test_words_of_fire_that_tell_of_no_harm_wake_nobody(lang: str, text: str) -> None:
    assert judged(text, lang).verdict is not Verdict.COMPLAINT


def test_harm_that_is_denied_counts_for_nothing() -> None:
    said = judged("nobody injured, no smoke from the Acme oven, but it is broken and nobody answers")
    assert not {"hurt", "fire"} & {reason.factor for reason in said.reasons}


def test_no_harm_speaks_for_a_milder_matter() -> None:
    """A reason must make sense to its reader: no "staff -3" of a rude agent."""
    milder = {"trifle", "mended", "praise", "solved"}
    families = RULES.books["en"].families
    assert {family.name for family in families if family.severity < 0} == milder
    assert all(abs(family.severity) >= 1 for family in families if family.severity)


def test_angry_words_do_not_outweigh_harm() -> None:
    loud = judged("WORST APP EVER!!! the new Acme icon is HIDEOUS, I hate you, absolute clowns")
    quiet = judged("hello Acme, the heater you repaired gave my mother an electric shock. Whom may I tell?")
    assert quiet.severity > loud.severity


def test_harm_told_calmly_stands_before_a_grumble_whatever_either_is_called() -> None:
    calm = judged("Visited Acme with my aunt. She slipped on the wet stairs there and broke her wrist. Nice view.")
    assert calm.severity > judged("meh, the new Acme logo").severity
    assert judged("Thank you Acme, lovely crew").severity < 10


def test_towards_the_ends_points_count_less_but_order_stays() -> None:
    sums = [-60, 0, 20, 45, 70, 90, 120]
    assert [graded(total) for total in sums] == sorted({graded(total) for total in sums})
    assert (graded(45), graded(-1e6), graded(1e6)) == (45, 1, 100)


def test_safety_and_legal_matters_of_the_corpus_are_never_below_p2() -> None:
    """But for one in two hundred: danger that no word names by itself."""
    grave = [row for row in of_corpus(corpus()) if row.about["cause"] in ("safety", "legal") and row.severity >= 45]
    assert len(grave) > 200
    low = [one.row.post.id for one in judge(grave, RULES) if one.said.priority not in ("P1", "P2")]
    assert len(low) <= len(grave) / 200, low


def test_most_pairs_are_in_order_and_half_of_them_are_held_back() -> None:
    back = [pair for pair in severity_pairs() if held(pair)]
    assert 0.4 < len(back) / len(severity_pairs()) < 0.6
    assert ordered(back, RULES).right > 0.9


def test_eval_tells_of_the_pairs() -> None:
    told = CliRunner().invoke(main, ["eval", "--pairs", "--json"])
    assert told.exit_code == 0 and set(json.loads(told.stdout)) == {"learned from", "held back"}
    assert "in order" in CliRunner().invoke(main, ["eval", "--pairs"]).stdout
    assert CliRunner().invoke(main, ["eval"]).exit_code == 1


def test_a_team_lays_its_own_harm_over_what_is_built_in() -> None:
    mine = load_rules(
        {"harm": {"hurt": {"severity": 90}, "bees": {"severity": 50, "evidence": 2, "en": ["bees in my"]}}}
    )
    post = Post(source="s", id="1", url="", text="Acme left bees in my flat and nobody answers")
    assert assess(post, ACME, mine).severity > assess(post, ACME, RULES).severity
    with pytest.raises(RulesError) as wrong:
        load_rules({"harm": {"bees": {"en": "bees"}, "x": 3}, "gravity": {"from": "low"}})
    assert "harm.bees.en: must be a list" in str(wrong.value) and "gravity.from: must be a number" in str(wrong.value)
