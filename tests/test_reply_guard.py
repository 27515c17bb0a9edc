"""A draft is read before a person posts it: what would make things worse is named with its words, and nothing is blocked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.guard import review
from escalation.phrases import Fault

THREAD = (
    "My bag from flight QX441 never came, booking ZK7P2M, and you can reach me at marta@mail.example. "
    "I have waited four days, called three times, was cut off twice and nobody has told me where it is or when it comes.",
)


@pytest.mark.parametrize(
    ("draft", "fault", "words"),
    [
        ("You should have kept the receipt.", Fault.BLAME, "You should have"),
        ("Whose fault was that, ma'am?", Fault.BLAME, "Whose fault"),
        ("As we already explained, this is policy.", Fault.BLAME, "As we already explained"),
        ("Remove it or our lawyers will be in touch.", Fault.MENACE, "our lawyers"),
        ("This is defamatory.", Fault.MENACE, "defamatory"),
        ("Pursuant to our policy we cannot.", Fault.LEGALESE, "Pursuant to"),
        ("Please see the Terms and Conditions.", Fault.LEGALESE, "Terms and Conditions"),
        ("You must fill in the form.", Fault.DEMAND, "You must"),
        ("Please delete your post.", Fault.DEMAND, "delete your post"),
        ("Calm down.", Fault.DEMAND, "Calm down"),
        ("Your post has been noted.", Fault.OMINOUS, "has been noted"),
        ("We apologize for any inconvenience this may have caused.", Fault.CANNED, "apologize for any inconvenience"),
        ("Your call is very important to us.", Fault.CANNED, "Your call is very important"),
        ("We understand your frustration.", Fault.EMPTY, "We understand your frustration"),
        ("Rest assured, it is on its way.", Fault.EMPTY, "Rest assured"),
        ("Could you share your booking reference with us?", Fault.ASKED_AGAIN, "booking reference"),
        ("Please send us your e-mail address.", Fault.ASKED_AGAIN, "e-mail address"),
        ("Please tell us more details.", Fault.ASKED_AGAIN, "more details"),
        ("We will call you back.", Fault.UNBOOKED, "We will call"),
        ("You get it within 24 hours.", Fault.UNBOOKED, "within 24 hours"),
        ("It is there by Friday.", Fault.UNBOOKED, "by Friday"),
        ("We wrote to marta@mail.example.", Fault.PRIVATE, "marta@mail.example"),
        ("Is +1 (416) 555-0142 still your number?", Fault.PRIVATE, "+1 (416) 555-0142"),
        ("The money goes to DE89 3704 0044 0532 0130 00.", Fault.PRIVATE, "DE89 3704 0044 0532 0130 00"),
        ("Your booking AB12CD is on its way.", Fault.SOMEBODY_ELSE, "AB12CD"),
    ],
)
def test_what_makes_it_worse_is_named_with_its_words_and_a_better_way(draft: str, fault: Fault, words: str) -> None:
    found = [one for one in review(draft, THREAD) if one.fault is fault]
    assert any(words in one.words for one in found), review(draft, THREAD)
    assert all(draft[one.start : one.end] == one.words and one.better for one in found)


@pytest.mark.parametrize(
    "draft",
    [
        "Your bag was left in Oslo. It is on tonight's flight, and Dana brings it to you herself.",
        "We lost your bag, and then we hung up on you. I am sorry for that.",
        "I have booking ZK7P2M in front of me.",
        "",
    ],
)
def test_a_good_reply_has_no_findings(draft: str) -> None:
    assert review(draft, THREAD) == ()


def test_a_promise_that_is_booked_may_be_said() -> None:
    assert review("We will call you by Friday.", THREAD, promised=True) == ()


def test_what_the_thread_does_not_say_may_be_asked() -> None:
    asked = "Could you share your booking reference with us?"
    assert not [one for one in review(asked, ["my bag is gone"]) if one.fault is Fault.ASKED_AGAIN]


@given(st.text(), st.lists(st.text(), max_size=3), st.booleans())
def test_any_text_can_be_read(draft: str, thread: list[str], promised: bool) -> None:
    for finding in review(draft, thread, promised=promised):
        assert finding.words and draft[finding.start : finding.end] == finding.words


@pytest.mark.parametrize("piece", ["please ", "1 ", "A1-", "we will x ", "a@", "DE89 3704 ", "word "])
def test_a_hostile_megabyte_is_read_to_its_end(piece: str) -> None:
    """A pattern that explodes would run into the time limit of the suite."""
    review(piece * (1_000_000 // len(piece)), [piece * 100_000])
