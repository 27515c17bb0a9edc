"""A review's stars speak where its words do not, and never alone against them."""

import pytest

from connectors.post import Post, PostKind
from connectors.review_parse import share, stars
from listener.triage import BrandTarget, Verdict, assess
from listener.triage.rules import Rules, load_rules

ACME, OTHER = BrandTarget(name="Acme Air"), BrandTarget(name="Larkspur")


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules()


def review(number: int | None, text: str = "This is the app of Acme Air for the phone.") -> Post:
    shown = stars(number, 5)
    return Post(source="shop", id="1", url="", title=f"{shown or '     '} Acme Air", text=text, kind=PostKind.REVIEW, rating=share(number, 5))  # fmt: skip


def test_one_star_is_a_complaint_in_plain_words_and_five_are_praise(rules: Rules) -> None:
    worst, best, none = (assess(review(number), ACME, rules) for number in (1, 5, None))
    assert worst.complaint > none.complaint > best.complaint
    assert worst.verdict is Verdict.COMPLAINT and best.verdict is Verdict.PRAISE
    assert {"stars": "★☆☆☆☆"}.items() <= {reason.factor: reason.words for reason in worst.reasons}.items()


def test_three_stars_say_nothing(rules: Rules) -> None:
    assert assess(review(3), ACME, rules).complaint == pytest.approx(
        assess(review(None), ACME, rules).complaint, abs=0.02
    )


def test_stars_do_not_silence_what_is_grave(rules: Rules) -> None:
    said = "The Acme Air charger caught fire and burnt my daughter's hand. Nobody answers, worst service ever."
    assert assess(review(5, said), ACME, rules).verdict is Verdict.COMPLAINT


def test_stars_for_one_are_not_stars_for_another(rules: Rules) -> None:
    said = "Acme Air was on time and kind. Larkspur lost my bag."
    assert (
        assess(review(1, said), ACME, rules, [OTHER]).complaint
        == assess(review(None, said), ACME, rules, [OTHER]).complaint
    )


@pytest.mark.parametrize(("rating", "best", "part"), [(1, 5, 0), (3, 5, 0.5), (5, 5, 1), (0, 5, 0), (9, 10, 8 / 9), (0.5, 1, 0.5), (7, 5, 1), (None, 5, None), (3, 0, None)])  # fmt: skip
def test_a_share_of_the_best(rating: float | None, best: float, part: float | None) -> None:
    assert share(rating, best) == (part if part is None else pytest.approx(part))
