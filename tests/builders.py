"""Invented people, posts and policies, with only what a test cares about spelled out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.post import Author, Post
from escalation.case import Case, begin
from escalation.clock import open_case
from escalation.events import Subject, Why
from escalation.policy import Person, Policy
from listener.storage.contract import Batch, Heard, Mention, Opening
from listener.triage import Assessment, Priority, Verdict

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)  # a Monday
DANA = Person(name="Dana Fox", slack="U0DANA", timezone="America/Toronto")
LEE = Person(name="Lee Park", slack="U0LEE", timezone="Europe/Lisbon")
SAM = Person(name="Sam Ortiz", slack="U0SAM")


def policy(**given: Any) -> Policy:
    people = given.pop("people", (DANA, LEE, SAM))
    return Policy(
        **{
            "name": "care",
            "priority": "P1",
            "acknowledge": timedelta(minutes=5),
            "report": timedelta(hours=2),
            "ladder": tuple(person.name for person in people),
            "people": people,
            **given,
        }
    )


def subject(**given: Any) -> Subject:
    return Subject(
        **{
            "brand": "Acme Air",
            "post": "blog:p1",
            "thread": "",
            "url": "https://blog.example/p1",
            "site": "blog.example",
            "author": "Marta Quill",
            "title": "Smoke at row 14",
            "text": "The Acme Air charger caught fire.",
            "created": NOW - timedelta(minutes=20),
            "heard": NOW,
            "severity": 80,
            "priority": "P1",
            "cause": "safety",
            "reasons": (Why(factor="safety", points=44, words="caught fire"),),
            **given,
        }
    )


def opened(at: datetime = NOW, **given: Any) -> Case:
    return begin(open_case(1, subject(), policy(**given), at))


def post(id_: str = "p1", text: str = "The Acme Air charger caught fire.", **given: Any) -> Post:
    given = {"url": f"https://blog.example/{id_}", "title": f"Post {id_}", "author": Author(handle="marta"), **given}
    return Post(**{"source": "blog", "id": id_, "text": text, **given})


def assessment(**given: Any) -> Assessment:
    return Assessment(
        **{
            "verdict": Verdict.COMPLAINT,
            "complaint": 0.9,
            "severity": 80,
            "priority": Priority.P1,
            "cause": "safety",
            "reasons": (),
            **given,
        }
    )


def mention(of: Post, brand: str = "Acme Air", **given: Any) -> Mention:
    about = subject(brand=brand, post=f"{of.source}:{of.id}", text=of.text, title=of.title, url=of.url, **given)
    return Mention(brand=brand, assessment=assessment(), opening=Opening(subject=about, policy=policy()))


def quiet(brand: str = "Acme Air", verdict: Verdict = Verdict.PRAISE) -> Mention:
    judged = assessment(verdict=verdict, severity=0, priority=None, complaint=0.1)
    return Mention(brand=brand, assessment=judged, reason=f"not a complaint: {verdict}")


def batch(*heard: Heard, **given: Any) -> Batch:
    return Batch(**{"source": "blog", "at": NOW, "cursor": {"n": 1}, "fetched": len(heard), "heard": heard, **given})


def complaint(id_: str = "p1", **given: Any) -> Heard:
    said = post(id_, **given)
    return Heard(post=said, mentions=(mention(said),))
