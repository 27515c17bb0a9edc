"""Posts -> what is to be kept of them: match, assess, route. Pure, but for the matcher's automaton."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.post import Post
from escalation.policy import Policy
from listener.match import Matcher
from listener.routing import route
from listener.settings import Settings
from listener.storage.contract import Heard, Mention
from listener.triage import BrandTarget, Rules, assess


@dataclass(frozen=True, slots=True)
class Scales:
    """Everything a judgement needs, made once from the settings."""

    matcher: Matcher
    targets: Mapping[str, BrandTarget]
    policies: Mapping[str, Mapping[str, Policy]]  # brand -> priority -> policy
    rules: Rules


def scales(settings: Settings) -> Scales:
    return Scales(
        matcher=Matcher({brand.name: brand.query for brand in settings.brands}),
        targets={brand.name: BrandTarget(name=brand.name, aliases=brand.aliases) for brand in settings.brands},
        policies={brand.name: settings.policies[brand.policy] for brand in settings.brands},
        rules=settings.rules,
    )


def weigh(posts: Iterable[Post], with_: Scales, heard: datetime) -> tuple[Heard, ...]:
    return tuple(Heard(post=post, mentions=_mentions(post, with_, heard)) for post in posts)


def _mentions(post: Post, with_: Scales, heard: datetime) -> tuple[Mention, ...]:
    brands = with_.matcher.match(post)
    targets = [with_.targets[brand] for brand in brands]
    return tuple(_mention(post, target, targets, with_, heard) for target in targets)


def _mention(post: Post, brand: BrandTarget, all_: list[BrandTarget], with_: Scales, heard: datetime) -> Mention:
    others = [other for other in all_ if other is not brand]
    judged = assess(post, brand, with_.rules, others)
    return route(post, brand.name, judged, with_.policies[brand.name], heard)
