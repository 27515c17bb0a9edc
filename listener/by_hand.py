"""What a person does that the house would not: raise a matter, split one off. Judged and routed as ever."""

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from urllib.parse import urlsplit

from connectors.contract import START
from connectors.post import Author, Post
from escalation.case import Case
from escalation.commands import Refused
from listener.routing import rows_for, subject
from listener.storage.contract import Batch, Heard, Kept, Mention, Opening, Store
from listener.triage import Assessment, Priority, Verdict, assess
from listener.weigh import Scales

SOURCE = "by hand"


def raised(
    text: str, brand: str, with_: Scales, at: datetime, *, by: str, url: str = "", author: str = "", priority: str = ""
) -> Heard:
    """A matter somebody brings. Never less than P3, for a person says so. Raises Refused."""
    if brand not in with_.targets:
        raise Refused(f'"{brand}" is not a brand; choose one of {", ".join(with_.targets)}')
    said = " ".join(text.split()) and text.strip()
    if not (said or url):
        raise Refused("give the words of the customer, or a link to them")
    id_ = blake2b(f"{url}\n{said}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    host = urlsplit(url).hostname or ""
    post = Post(source=SOURCE, id=id_, url=url, text=said, author=Author(name=author), created=at, site=host)
    return Heard(post=post, mentions=(_mention(post, brand, with_, at, by, priority),))


def _mention(post: Post, brand: str, with_: Scales, at: datetime, by: str, priority: str) -> Mention:
    judged = _insisted(assess(post, with_.targets[brand], with_.rules), with_, priority)
    opening = _opening(post, brand, judged, with_, at)
    about = replace(opening.subject, raised_by=by)
    return Mention(brand=brand, assessment=judged, opening=replace(opening, subject=about))


def _insisted(judged: Assessment, with_: Scales, priority: str) -> Assessment:
    """What a person holds to be a complaint is one, at least as urgent as they say."""
    least = dict(with_.rules.priorities)
    wanted = Priority(priority or min(judged.priority or "P3", "P3"))
    severity = max(judged.severity, round(least[wanted]))
    urgent = min(judged.priority or wanted, wanted)
    return replace(judged, verdict=Verdict.COMPLAINT, severity=severity, priority=urgent, cause=judged.cause or "other")


def _opening(post: Post, brand: str, judged: Assessment, with_: Scales, at: datetime) -> Opening:
    rows = rows_for(post, judged, with_.policies[brand], with_.routes[brand])
    policy = rows.get(str(judged.priority)) or rows[max(rows)]
    return Opening(subject=subject(post, brand, judged, at), policy=policy)


async def keep(store: Store, heard: Heard, at: datetime) -> Kept:
    """Kept like anything that was heard, so that the accounts balance."""
    return await store.keep(Batch(source=SOURCE, at=at, cursor=START, fetched=1, heard=(heard,)))


async def split(store: Store, with_: Scales, case: Case, post: str, by: str, at: datetime) -> Case:
    """Raises Refused."""
    found = await store.post(post)
    if found is None or not found.text:
        raise Refused(f"{post} is not there any more")
    brand = case.subject.brand
    judged = _insisted(assess(found, with_.targets[brand], with_.rules), with_, "")
    return await store.split(case.id, post, _opening(found, brand, judged, with_, at), by, at)
