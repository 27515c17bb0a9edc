"""A complaint finds its policy, and everything else a named reason for none."""

from datetime import timedelta

import pytest
from builders import NOW, assessment, policy, post
from hypothesis import given
from hypothesis import strategies as st

from connectors.post import Author
from listener.query import fold, parse
from listener.query.fts import index_text
from listener.query.text import WORD
from listener.routing import Route, route, rows_for, thread
from listener.triage import Priority, Reason, Verdict

ROWS = {"P1": policy(priority="P1"), "P2": policy(priority="P2")}


def test_a_complaint_is_opened_on_the_policy_of_its_priority() -> None:
    of = post(
        author=Author(handle="marta", name="Marta Quill", id="7"), site="talk.example", created=NOW - timedelta(hours=1)
    )
    why = Reason(factor="safety", points=44, words="caught fire", start=22, end=33)
    mention = route(of, "Acme Air", assessment(priority=Priority.P2, severity=50, reasons=(why,)), ROWS, NOW)
    assert mention.opening and mention.opening.policy is ROWS["P2"]
    subject = mention.opening.subject
    assert (subject.brand, subject.post, subject.author, subject.customer) == (
        "Acme Air",
        "blog:p1",
        "Marta Quill",
        "talk.example 7",
    )
    assert (subject.severity, subject.priority, subject.since) == (50, "P2", NOW - timedelta(hours=1))
    assert [(one.factor, one.words) for one in subject.reasons] == [("safety", "caught fire")]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"verdict": Verdict.PRAISE, "priority": None}, "not a complaint: praise"),
        ({"verdict": Verdict.QUESTION, "priority": None}, "not a complaint: question"),
        ({"priority": Priority.P3}, "the policy has no row for P3"),
    ],
)
def test_what_wakes_nobody_says_why(given: dict[str, object], reason: str) -> None:
    mention = route(post(), "Acme Air", assessment(**given), ROWS, NOW)
    assert (mention.opening, mention.reason) == (None, reason)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://blog.example/a/", "https://BLOG.example/a", True),
        ("http://blog.example/a", "https://blog.example/a", True),
        ("https://blog.example/a", "https://blog.example/b", False),
        ("https://blog.example/a?p=1", "https://blog.example/a?p=2", False),
        ("https://blog.example/a#c1", "https://blog.example/a#c2", False),
    ],
)
def test_two_hearings_of_one_post_share_its_address_and_title(one: str, other: str, same: bool) -> None:
    assert (thread(post(url=one)) == thread(post(url=other))) is same
    assert thread(post(url=one)) != thread(post(url=one, title="Another"))


def test_without_an_address_nothing_is_shared() -> None:
    assert thread(post(url="")) == ""


GERMAN = Route(name="German", causes=frozenset(), when=parse("lang:de"), policies={"P1": policy(route="German")})
MONEY = Route(name="money", causes=frozenset({"billing"}), when=None, policies={"P1": policy(route="money")})


@pytest.mark.parametrize(
    ("lang", "cause", "ladder"),
    [("de", "billing", "German"), ("en", "billing", "money"), ("en", "safety", "")],
)
def test_some_matters_have_a_ladder_of_their_own_and_the_first_that_fits_counts(
    lang: str, cause: str, ladder: str
) -> None:
    rows = rows_for(post(lang=lang), assessment(cause=cause), ROWS, (GERMAN, MONEY))
    assert rows["P1"].route == ladder


PIECES = st.sampled_from(["a", "Ä", "_", "-", "日", "ก", "😡", "❤️", " ", "http://x.example/a", "’", "́", "1", "한", "्", "ﷺ", "½", "\0", "\u200d", "ß", "#"])  # fmt: skip


@given(st.lists(PIECES | st.characters(), max_size=12).map("".join))
def test_the_words_of_a_story_are_the_words_a_query_sees(text: str) -> None:
    parts = [part for part in fold(text).split() if "://" not in part]
    assert [word for part in parts for word in WORD.findall(part)] == index_text(" ".join(parts)).split()
