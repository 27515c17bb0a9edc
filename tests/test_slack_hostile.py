"""Hostile strings through every place where Slack shows text: none pings, links, reorders, or breaks a limit.

A seeded part by default; `LISTENER_HOSTILE=200000 pytest tests/test_slack_hostile.py` for the whole.
"""

import os
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from blockkit import check_home, check_message, check_view
from builders import NOW, opened, subject

from escalation import guard
from escalation.background import Background
from escalation.case import Case, evolve
from escalation.events import Acknowledged, Dismissed, HandoverOffered, Outcome, Promised, ReportedBack, Why
from escalation.notices import Kind, Notice
from escalation.slack import forms
from escalation.slack.actions import plain_words
from escalation.slack.blocks import Message, card, direct, plain, showing
from escalation.slack.home import Home, Numbers, Waiting, page, stranger
from listener.digest import Digest, Owed, Promises
from listener.slack import pages
from listener.storage.contract import MentionRow, SavedSearch, State

STRINGS = int(os.environ.get("LISTENER_HOSTILE", "48"))
PARTS = 8
LONG = 0.2  # of all of them
STATES = 4  # each string goes through one state of a case; the next one through the next
PIECES = [
    *(
        "<!channel>",
        "<!here|x>",
        "<@U0DANA>",
        "<#C0CARE|x>",
        "<https://evil.example|your bank>",
        "<mailto:a@b.example>",
    ),
    *("&lt;!channel&gt;", "&", "&amp;amp;", "<", ">", "*b*", "_i_", "~s~", "`c`", "```", ":rotating_light:", "> q"),
    *("\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\x00", "\x1b[2J", "\r", "\n", "\u2028", "\ud800", "\ue000"),
    *("😀", "e\u0301", "\u0627\u0644", "a" * 400, "\n" * 50, "<!date^1700000000^{date}|x>", "javascript:alert(1)"),
    *("http://x.example/<!here>", '"', "\\", "{}", "%s", "=cmd()", "|", "\t"),
]
DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
KEPT = frozenset("\n\t\u200c\u200d")


def hostile(number: int) -> str:
    chance = random.Random(number)
    parts = [chance.choice(PIECES) for _ in range(chance.randint(1, 9))]
    if chance.random() < 0.3:
        parts.append("".join(chr(chance.randrange(0x20, 0x11_0000)) for _ in range(chance.randint(1, 40))))
    return "".join(parts) * (40 if chance.random() < LONG else 1)


def case_of(text: str, number: int) -> Case:
    return next(islice(cases(text), number % STATES, None))


def cases(text: str) -> Iterator[Case]:
    about = subject(
        **dict.fromkeys(("title", "text", "author", "site", "url", "proposal", "raised_by"), text),
        reasons=(Why(factor=text, points=5, words=text),) * 7,
    )
    new = replace(opened(), subject=about, why=text)
    took = (
        Acknowledged(at=NOW, by="Dana Fox"),
        Promised(at=NOW, by="Dana Fox", what=text, due=NOW + timedelta(hours=1)),
    )
    taken = evolve(evolve(new, took[0]), took[1])
    said = {"done": text, "remedy": text, "evidence": text, "contacted": text, "root_cause": text}
    report = ReportedBack(at=NOW, by="Dana Fox", outcome=Outcome.SOLVED, follow_up=NOW + timedelta(days=1), **said)
    yield new
    yield evolve(taken, HandoverOffered(at=NOW, by="Dana Fox", to="Lee Park", note=text))
    yield evolve(taken, report)
    yield evolve(new, Dismissed(at=NOW, by="Dana Fox", reason=text))


def messages(text: str, number: int) -> Iterator[Message]:
    known = Background(posts=3, cases=(1, 2), followers=5, similar=(text, text), statement=text)
    case = case_of(text, number)
    yield card(case, NOW, known)
    notice = Notice(case=1, seq=1, kind=Kind.DIRECT, to="Dana Fox", text=f"Dana Fox promises: {text}")
    yield direct(case, notice, NOW, known, text)
    yield plain(replace(notice, kind=Kind.THREAD, to=text))
    yield direct(None, Notice(case=0, seq=1, kind=Kind.DIRECT, to="Dana Fox", text=text), NOW)
    row = hit(text)
    yield pages.hits(text if pages.fits(text) else "x", [row, replace(row, case=None)], more=True)
    kept = SavedSearch(id=1, name=text, query=text, by=text, at=NOW)
    yield pages.saved({kept: True, replace(kept, id=2): False})
    yield pages.as_table(text, [row] * (120 if number % 50 == 0 else 5), text)
    yield pages.listed(text[:100], [waiting(text)] * 3, 9)
    yield from (pages.note(text), pages.wrong(text))
    yield pages.digest(summary(text))


def test_a_card_that_would_be_too_long_quotes_less_of_the_post() -> None:
    longest = [card(one, NOW, Background(similar=('"' * 300,) * 4)) for one in cases('"' * 20_000)]
    for message in longest:
        check_message({"text": message.text, "blocks": list(message.blocks)}, update=True)
    assert '"…' in str(longest[0].blocks)


def hit(text: str) -> MentionRow:
    words = dict.fromkeys(("brand", "source", "url", "author", "title", "text", "verdict", "cause", "reason"), text)
    return MentionRow(
        id=1, created=NOW, heard=NOW, complaint=1.0, severity=80, priority="P1", state=State.KEPT, case=7, **words
    )


def waiting(text: str) -> Waiting:
    return Waiting(id=1, about=text, priority=text, owner=text, state=text, due=NOW)


def summary(text: str) -> Digest:
    owed = Owed(id=1, brand=text, title=text, priority="P1", severity=80, owner=text, status="open", due=NOW)
    return Digest(
        since=NOW - timedelta(days=7),
        until=NOW,
        verdicts={text: {"complaint": 3, text: 1}, f"{text}!": {"praise": 1}},
        causes=dict.fromkeys((text, *(f"{text}{each}" for each in range(7))), 1),
        opened=1,
        closed=0,
        open=(owed,),
        open_total=1,
        promises={text: Promises(missed=1)},
        outcomes={},
        to_acknowledge=None,
        to_report=None,
        silent=(text,),
    )


def views(text: str, number: int) -> Iterator[dict[str, Any]]:
    around = forms.Around(
        names=(text, "Lee Park"), others=((7, text), (8, "x")), **beside(text), draft=dict.fromkeys(FIELDS, text)
    )
    case = case_of(text, number)
    yield showing(case, text, NOW)
    asked = ACTIONS[number // STATES % 3 :: 3]
    yield from (form for action in asked if (form := forms.form(action, case, around, NOW)))
    yield forms.raising(["Acme Air"], text=plain_words(text), url=text, author=text)
    yield forms.saving(text[:1_500] if pages.fits(text[:1_500]) else "x", "C0CARE")
    yield forms.searching([text, "Acme Air"])
    yield pages.in_window(pages.hits("x", [hit(text)], more=True))
    yield forms.told(text)
    yield forms.warned(opened(), guard.review(f"{text} we apologize for any inconvenience {text}"))


def beside(text: str) -> dict[str, Any]:
    return {"posts": (("blog:p2", text),), "above": (text, "Lee Park"), "page": (text,) * 3, "similar": (text,) * 4}


ACTIONS = (
    "acknowledge promise handover report follow_up dismiss reopen decline note help snooze join split pull answered"
    " statement"
).split()
FIELDS = (
    "what due reason to note done remedy evidence contacted gave root_cause follow_up draft text until into post url"
).split()


def homes(text: str) -> Iterator[dict[str, Any]]:
    lines = [waiting(text)] * 2
    numbers = {text: Numbers(kept=1)}
    yield page(Home(name=text, overdue=lines, offered=lines, unclaimed=lines, on_duty={text: text}, team=numbers), NOW)
    yield stranger(text)


def shown(document: Any, path: str = "") -> Iterator[str]:
    """Everything a reader sees of it; what they typed themselves is theirs."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name != "initial_value":
                yield from shown(value, name)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from shown(value, path)
    elif isinstance(document, str) and path in ("text", "title", "label", "name", "categories"):
        yield document


def visible(document: Any) -> None:
    for text in shown(document):
        odd = {c for c in set(text) if unicodedata.category(c) in DROPPED and c not in KEPT}
        assert not odd, (odd, text[:200])


@pytest.mark.timeout(max(60, STRINGS // 20))
@pytest.mark.parametrize("part", range(PARTS))
def test_no_control_sequence_survives_anywhere(part: int) -> None:
    for number in range(part, STRINGS, PARTS):
        text = hostile(number)
        for message in messages(text, number // PARTS):
            body = {"text": message.text, "blocks": list(message.blocks)}
            check_message(body, update=True)
            visible(body)
        for view in views(text, number // PARTS):
            check_view(view)
            visible(view)
        for home in homes(text):
            check_home(home)
            visible(home)
