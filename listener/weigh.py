"""Posts -> what is to be kept of them: match, assess, route. Pure, but for the matcher's automaton."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.post import Post
from escalation.policy import Policy
from listener.match import Matcher
from listener.playbook import Response
from listener.query import fold
from listener.routing import Route, ours, proposed, route, rows_for
from listener.settings import Settings
from listener.storage.contract import Heard, Mention
from listener.triage import Assessment, BrandTarget, Reason, Rules, Verdict, assess, subject_text
from listener.triage.clauses import LONGEST
from listener.triage.deep import spoken
from listener.triage.languages import language
from listener.triage.reading import reading

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scales:
    """Everything a judgement needs, made once from the settings."""

    matcher: Matcher
    targets: Mapping[str, BrandTarget]
    policies: Mapping[str, Mapping[str, Policy]]  # brand -> priority -> policy
    routes: Mapping[str, tuple[Route, ...]]  # brand -> other ladders for some of its matters
    rules: Rules
    playbook: tuple[Response, ...]
    accounts: Mapping[str, frozenset[str]]  # our own account's handle, folded -> the brands it speaks for
    about: Mapping[str, str] = field(default_factory=dict)  # source -> the brand all of it speaks of


def scales(settings: Settings) -> Scales:
    return Scales(
        matcher=Matcher({brand.name: brand.query for brand in settings.brands}),
        targets={brand.name: BrandTarget(name=brand.name, aliases=brand.aliases) for brand in settings.brands},
        policies={brand.name: settings.policies[brand.policy] for brand in settings.brands},
        routes={brand.name: settings.routes.get(brand.policy, ()) for brand in settings.brands},
        rules=settings.rules,
        playbook=settings.playbook,
        accounts=_accounts(settings),
        about={source.name: source.about for source in settings.sources if source.about},
    )


def with_turns_of(with_: Scales, settings: Settings) -> Scales:
    """The same, after calendars were read again."""
    policies = {brand.name: settings.policies[brand.policy] for brand in settings.brands}
    routes = {brand.name: settings.routes.get(brand.policy, ()) for brand in settings.brands}
    return replace(with_, policies=policies, routes=routes)


def _accounts(settings: Settings) -> dict[str, frozenset[str]]:
    names = {account for brand in settings.brands for account in brand.accounts}
    return {name: frozenset(b.name for b in settings.brands if name in b.accounts) for name in names}


def _handle(handle: str) -> str:
    return fold(handle).lstrip("@")


def weigh(posts: Iterable[Post], with_: Scales, heard: datetime) -> tuple[Heard, ...]:
    return tuple(Heard(post=post, mentions=_mentions(post, with_, heard)) for post in posts)


def _mentions(post: Post, with_: Scales, heard: datetime) -> tuple[Mention, ...]:
    speaking = with_.accounts.get(_handle(post.author.handle), NOBODY) if with_.accounts else NOBODY
    brands: Iterable[str] = with_.matcher.match(post)
    if speaking or post.source in with_.about:
        spoken_of = [with_.about[post.source]] if post.source in with_.about else []
        brands = dict.fromkeys((*brands, *sorted(speaking), *spoken_of))
    targets = [with_.targets[brand] for brand in brands]
    return tuple(
        _own(post, target, with_) if target.name in speaking else _mention(post, target, targets, with_, heard)
        for target in targets
    )


def weighed(post: Post, brand: str, with_: Scales, heard: datetime, because: tuple[Reason, ...] = ()) -> Mention:
    """What this post says of one brand, among the others that it names."""
    brands = dict.fromkeys((*with_.matcher.match(post), brand))
    targets = [with_.targets[each] for each in brands]
    return _mention(post, with_.targets[brand], targets, with_, heard, because)


def said_of(post: Post, brand: str, with_: Scales) -> str:
    """The words that speak of the brand, in English; "" where they are none, or in another language."""
    others = [with_.targets[each] for each in with_.matcher.match(post) if each != brand]
    text = subject_text(post)
    if language(post.lang, text, with_.rules.weights.votes) != ("en", True):
        return ""
    return spoken(reading(text[:LONGEST], with_.targets[brand], others, with_.rules))


def reweighed(post: Post, brand: str, with_: Scales, heard: datetime, *, complaint: bool, because: Reason) -> Mention:
    """The same, where somebody else has said whether it is a complaint, and which words say so."""
    rules = replace(with_.rules, complaint_from=0.0 if complaint else 1.1)
    return weighed(post, brand, replace(with_, rules=rules), heard, (because,))


def _own(post: Post, brand: BrandTarget, with_: Scales) -> Mention:
    judged = assess(post, brand, with_.rules, [])
    return ours(brand.name, replace(judged, verdict=Verdict.OTHER, complaint=0.0, severity=0, priority=None, cause=""))


def _mention(
    post: Post,
    brand: BrandTarget,
    all_: list[BrandTarget],
    with_: Scales,
    heard: datetime,
    because: tuple[Reason, ...] = (),
) -> Mention:
    others = [other for other in all_ if other is not brand]
    judged = _to_keep(assess(post, brand, with_.rules, others))
    if because:
        judged = replace(judged, reasons=(*judged.reasons, *because))
    rows = rows_for(post, judged, with_.policies[brand.name], with_.routes[brand.name])
    mention = route(post, brand.name, judged, rows, heard)
    return proposed(mention, with_.playbook)


def _to_keep(judged: Assessment) -> Assessment:
    """In the memory only complaints have a severity: praise must not stand among them in a search for the worst."""
    return judged if judged.verdict is Verdict.COMPLAINT else replace(judged, severity=0)
