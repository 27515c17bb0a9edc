"""What a post is judged to be, how bad, and with which words: for each brand by itself, and never by its length."""

import pytest
from builders import post
from hypothesis import given
from hypothesis import strategies as st

from connectors.post import Author, Post, Reach
from listener.triage import Assessment, BrandTarget, Priority, RulesError, Verdict, assess, load_rules, subject_text
from listener.triage.evidence import money
from listener.triage.naming import named

RULES = load_rules()
ACME, BOLT = (
    BrandTarget(name="Acme Air", aliases=("acme", "@acmeair")),
    BrandTarget(name="Bolt Rail", aliases=("bolt",)),
)


def judge(text: str, brand: BrandTarget = ACME, *others: BrandTarget, **given: object) -> Assessment:
    return assess(post(text=text, title="", **given), brand, RULES, others)


COMPLAINTS = [
    ("The Acme seat charger overheated and caught fire, it burned my hand", "safety"),
    ("Acme charged me twice and will not give the money back", "billing"),
    ("@acmeair lost my bag, three weeks and no reply", None),
    ("acme cancelled our flight at midnight, no refund, stranded with two children", None),
    ("Nobody answers at Acme, on hold for two hours, then hung up on", "no reply"),
    ("locked out of my Acme account since the update, can't log in", "lock-out"),
    ("Acme leaked my passport number to a stranger", "privacy"),
    ("the acme agent was rude and called me a liar", "staff"),
    ("Acme is down again, nothing loads", "outage"),
    ("never again Acme, worst airline, switching to the train", None),
]
OTHERS = [
    ("Thank you Acme, lovely crew and an early arrival", Verdict.PRAISE),
    ("Does anyone know whether Acme flies to Oslo on Sundays?", Verdict.QUESTION),
    ("Acme announces its spring timetable with twelve new routes", Verdict.OTHER),
    ("No complaints about Acme, everything went well", None),
    ("Acme lost my bag but found it within the hour and brought it to my door. Wonderful, thank you!", None),
]


@pytest.mark.parametrize(("text", "cause"), COMPLAINTS)
def test_a_complaint_is_one_and_names_its_cause(text: str, cause: str | None) -> None:
    judged = judge(text)
    assert judged.verdict is Verdict.COMPLAINT and judged.priority is not None, judged
    assert judged.complaint > 0.5 and 1 <= judged.severity <= 100 and judged.reasons
    assert cause is None or judged.cause == cause


@pytest.mark.parametrize(("text", "verdict"), OTHERS)
def test_what_is_none_wakes_nobody(text: str, verdict: Verdict | None) -> None:
    judged = judge(text)
    assert judged.verdict is not Verdict.COMPLAINT and judged.priority is None, judged
    assert verdict is None or judged.verdict is verdict


@pytest.mark.parametrize(
    ("worse", "milder"),
    [
        ("The Acme battery caught fire and burned my hand", "Acme delivered my parcel two days late"),
        ("My lawyer will write to Acme about the refund they refused", "The Acme clerk was rude"),
        ("Third time I call Acme about the broken bag, nobody answers", "My Acme bag is broken"),
        ("Acme overcharged me by 4,000 EUR", "Acme overcharged me by 4 EUR"),
        ("Acme left my disabled mother stranded at the gate", "Acme left me stranded at the gate"),
        ("Acme leaked my passport to a stranger", "Acme's app crashed"),
        ("Acme lost my bag, everybody boycott them", "Acme lost my bag"),
    ],
)
def test_the_order_is_right(worse: str, milder: str) -> None:
    assert judge(worse).severity > judge(milder).severity


@pytest.mark.parametrize(
    ("text", "words", "amount"),
    [
        ("paid 4,000 eur for it", "4,000 eur", 4000),
        ("paid 4 000,50 euros", "4 000,50 euros", 4000),
        ("$1,250.99 gone", "$1,250.99", 1250),
        ("640 eur and 12 eur", "640 eur", 640),
        ("€ 19.99", "€ 19.99", 19),
        ("12€", "12€", 12),
        ("£30", "£30", 30),
    ],
)
def test_the_largest_sum_is_read_as_it_is_written(text: str, words: str, amount: int) -> None:
    start, end, found = money(text) or (0, 0, 0.0)
    assert (text[start:end], found) == (words, amount)


@pytest.mark.parametrize("text", ["flight 441", "on 2026-05-04", "eur", "1.2.3", "100 euros2"])
def test_other_numbers_are_no_money(text: str) -> None:
    assert money(text) is None


def test_reach_counts_and_is_a_reason() -> None:
    quiet, loud = (
        judge("Acme lost my bag"),
        judge("Acme lost my bag", author=Author(followers=900_000), reach=Reach(reposts=400)),
    )
    assert loud.severity > quiet.severity
    assert {"reach", "echo"} <= {reason.factor for reason in loud.reasons}


def test_safety_is_never_below_its_floor() -> None:
    assert judge("the acme charger caught fire").priority is Priority.P1


def test_two_brands_in_one_text_are_two_verdicts() -> None:
    text = "Acme lost my bag and hung up on me. Bolt Rail, on the other hand, were wonderful, thank you Bolt."
    assert judge(text, ACME, BOLT).verdict is Verdict.COMPLAINT
    assert judge(text, BOLT, ACME).verdict is Verdict.PRAISE


def test_a_verdict_cites_only_what_is_said_of_its_brand() -> None:
    text = "Bolt broke my bag and ignored me for weeks. Acme was fine."
    assert not any("broke" in reason.words for reason in judge(text, ACME, BOLT).reasons)


@pytest.mark.parametrize(
    ("text", "damned", "spared"),
    [
        ("Unlike Acme, Bolt Rail got me there on time", "Acme", "Bolt"),
        ("Done with Acme after the third outage. Bolt has been flawless", "Acme", "Bolt"),
        ("thanks for getting me home @boltrail. never again @acmeair", "Acme", "Bolt"),
        ("Acme: four hours late and nobody says a word. Meanwhile Bolt: great crew, thank you!", "Acme", "Bolt"),
        ("Bolt refunded me the same day, Acme has ignored four emails", "Acme", "Bolt"),
        ("lovely crew, home an hour early! @boltrail. Hung up on twice. No refund, useless!! @acmeair", "Acme", "Bolt"),
        ("Three years with Bolt and no complaints, which is more than I can say for Acme. Useless.", "Acme", "Bolt"),
    ],
)
def test_who_is_meant_is_read_from_how_two_are_set_against_each_other(text: str, damned: str, spared: str) -> None:
    brands = {"Acme": ACME, "Bolt": BrandTarget(name="Bolt Rail", aliases=("bolt", "@boltrail"))}
    worse, better = brands[damned], brands[spared]
    assert judge(text, worse, better).complaint > judge(text, better, worse).complaint
    assert judge(text, worse, better).verdict is Verdict.COMPLAINT
    assert judge(text, better, worse).verdict is not Verdict.COMPLAINT


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Bolt is so much better than Acme", "en"),
        ("Acme hat mein Paket verloren und antwortet nicht, während Bolt alles schnell geliefert hat, danke", "de"),
        ("Bolt ist viel besser als Acme", "de"),
        ("Me cambié de Acme a Bolt y por fin funciona", "es"),
        ("Bolt est bien mieux que Acme", "fr"),
        ("Sono passato da Acme a Bolt", "it"),
        ("A Bolt é muito melhor que a Acme", "pt"),
    ],
)
def test_who_comes_off_worse_is_read_in_six_languages(text: str, lang: str) -> None:
    worse, better = judge(text, ACME, BOLT, lang=lang), judge(text, BOLT, ACME, lang=lang)
    assert worse.verdict is Verdict.COMPLAINT and worse.complaint > better.complaint


def test_what_is_said_of_two_together_is_said_of_each() -> None:
    text = "Acme and Bolt both charged me twice and will not give the money back"
    assert judge(text, ACME, BOLT).verdict is judge(text, BOLT, ACME).verdict is Verdict.COMPLAINT


def test_a_brand_that_is_only_named_is_not_blamed_for_what_another_did() -> None:
    text = "Bolt lost my bag, hung up on me and kept my money. Useless. @acmeair"
    assert judge(text, ACME, BOLT).verdict is not Verdict.COMPLAINT


def test_a_competitor_whom_nobody_tracks_keeps_what_is_said_of_it() -> None:
    text = "Delphine Air lost my bag and ignored me for a week. Acme found it in an hour, thank you!"
    assert judge(text).verdict is not Verdict.COMPLAINT


def test_a_thing_is_judged_by_the_clauses_that_name_it() -> None:
    text = "The battery is dead after an hour, but the screen is gorgeous"
    battery, screen = (named(name, RULES.weights.common) for name in ("battery", "screen"))
    assert battery.thing and not named("acme", RULES.weights.common).thing and not named("Target", {"target"}).thing
    assert judge(text, battery).complaint > judge(text, screen).complaint


def test_a_long_post_is_judged_by_its_worst_passage_and_cites_it() -> None:
    walk = "We walked along the river and had soup, and the children counted boats until it was dark. " * 25
    text = walk + "Acme lost my bag, hung up on me twice and still owes us 400 EUR. Nobody answers. " + walk
    judged = judge(text)
    assert judged.verdict is Verdict.COMPLAINT
    assert any("lost my bag" in reason.words for reason in judged.reasons)
    assert judge(walk + "Acme was fine. " + walk).verdict is not Verdict.COMPLAINT


def test_ten_thousand_brands_are_no_burden() -> None:
    others = [BrandTarget(name=f"Firm {number}") for number in range(10_000)]
    assert judge("Acme lost my bag and nobody answers", ACME, *others).verdict is Verdict.COMPLAINT


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Acme lleva tres semanas sin devolverme el dinero y nadie contesta", "es"),
        ("Acme hat meinen Koffer verloren und niemand antwortet seit drei Wochen", "de"),
        ("Acme a perdu ma valise et personne ne répond depuis trois semaines, c'est inadmissible", "fr"),
    ],
)
def test_other_languages_are_judged_without_being_told_which(text: str, lang: str) -> None:
    assert judge(text).verdict is Verdict.COMPLAINT and judge(text, lang=lang).verdict is Verdict.COMPLAINT


def test_length_makes_nothing_worse() -> None:
    short = judge("Acme lost my bag and nobody answers")
    long = judge("Acme lost my bag and nobody answers. " + "We walked along the river and had soup. " * 300)
    again = judge("Acme lost my bag and nobody answers. " * 40)
    assert long.severity <= short.severity + 5
    assert again.severity <= short.severity + 15, "saying it forty times is not forty times as bad"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Acme heeft mijn koffer verloren en niemand belt terug, het is niet te geloven", ""),
        ("Acme потеряла мой багаж и молчит", ""),
    ],
)
def test_a_language_that_is_not_judged_is_said_and_not_guessed(text: str, lang: str) -> None:
    judged = judge(text, lang=lang)
    assert judged.verdict is Verdict.OTHER and judged.reasons[0].factor == "language not judged"


def test_reasons_quote_whole_words_as_they_were_written() -> None:
    assert "OVERHEATED" in [reason.words for reason in judge("The Acme charger OVERHEATED").reasons]


WORDS = st.lists(st.sampled_from([text for text, _ in COMPLAINTS + OTHERS]) | st.text(max_size=30), max_size=5).map(
    " ".join
)


@given(WORDS, st.sampled_from(["", "en", "de", "\ud800"]), st.none() | st.integers(-5, 10**12))
def test_any_post_is_judged_with_reasons_that_stand_in_it(text: str, lang: str, followers: int | None) -> None:
    of = post(text=text, lang=lang, author=Author(followers=followers))
    judged = assess(of, ACME, RULES, [BOLT])
    assert 0 <= judged.complaint <= 1 and 0 <= judged.severity <= 100
    assert (judged.verdict is Verdict.COMPLAINT) == (judged.priority is not None)
    assert judged.severity > 0 or judged.priority is None
    said = subject_text(of)
    for reason in judged.reasons:
        if reason.start >= 0:
            assert said[reason.start : reason.end] == reason.words and reason.words
    assert assess(of, ACME, RULES, [BOLT]) == judged


@pytest.mark.parametrize(
    "piece",
    [
        "not ",
        "acme no ",
        "$1,",
        "!?",
        "\u202e\0\ud800",
        "東京",
        "acme broke, ",
        "than Acme ",
        "switchswitch",
        "acme Left X for ",
        "@a. @acme. ",
        "A B ",
        "2 hours third time ",
        "acme\n",
        "é",
        "((((",
        "acme is more a than ",
    ],
)
def test_a_hostile_megabyte_is_judged(piece: str) -> None:
    judge(piece * (1_000_000 // len(piece)))


def test_the_teams_own_rules_are_laid_over_the_built_in_ones() -> None:
    rules = load_rules(
        {"family": {"pets": {"evidence": 3.0, "severity": 60, "cause": "pets", "phrases": ["lost my cat"]}}}
    )
    of = post(text="Acme lost my cat", title="")
    assert assess(of, ACME, RULES).severity < assess(of, ACME, rules).severity
    assert assess(of, ACME, rules).cause == "pets"
    strict = load_rules({"priority": {"P1": 90}, "family": {"pets": {"evidence": 3.0, "phrases": ["lost my cat"]}}})
    assert strict.priorities[0] == (Priority.P1, 90.0)


def test_every_mistake_in_the_rules_is_named() -> None:
    with pytest.raises(RulesError) as wrong:
        load_rules({
            "colour": 1, "bias": "high", "priority": {"P1": 1},
            "family": {"pets": {"phrases": [], "weight": 3, "negation": "maybe", "floor": "P9"}, "x": 3},
        })  # fmt: skip
    told = str(wrong.value)
    for mistake in ("colour: is not known", "bias: must be a number", "P1 must need more", "pets.phrases: must be a list",
                    "pets.weight: is not known", "pets.negation: must be one of", "pets.floor: must be one of", "family.x: must be a table"):  # fmt: skip
        assert mistake in told, told


def test_the_posts_own_title_counts() -> None:
    assert (
        assess(
            Post(source="s", id="1", url="", title="Acme lost my bag", text="and nobody answers"), ACME, RULES
        ).verdict
        is Verdict.COMPLAINT
    )


@pytest.mark.parametrize("text", ["Acme", "@acme", "hello @acme", "Acme Monday", "acme, gate 12"])
def test_a_bare_name_or_a_greeting_is_no_complaint(text: str) -> None:
    target = BrandTarget(name="Acme", aliases=("acme", "@acme"))
    assert assess(Post(source="s", id="1", url="", text=text), target, RULES).verdict is not Verdict.COMPLAINT
