"""Gold and judgements -> figures: how often right, how sure for good reason, and the worst mistakes. Pure."""

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.post import Post
from listener.triage.gold import Gold, Pair
from listener.triage.judge import assess
from listener.triage.model import Assessment, BrandTarget, Verdict
from listener.triage.rules import Rules

BINS = 10
NOBODY = BrandTarget(name="\0")  # named nowhere: whoever is spoken to is meant
YES = ("complaint", "negative", "1", "true", "yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled judgement."""

    post: Post
    brand: BrandTarget
    complaint: bool
    others: tuple[BrandTarget, ...] = ()
    verdict: Verdict | None = None
    severity: int = 0
    about: Mapping[str, str] = field(default_factory=dict)  # lang, source, cause: what figures are broken down by


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    row: Row
    said: Assessment

    @property
    def wrong(self) -> float:
        """How far off: 0 right and sure, 1 wrong and sure."""
        return 1 - self.said.complaint if self.row.complaint else self.said.complaint


def of_corpus(posts: Iterable[Gold]) -> Iterator[Row]:
    for post in posts:
        for label in post.labels:
            yield Row(
                post=Post(source=post.platform, id=post.where, url="", text=post.text, lang=post.lang),
                brand=label.brand,
                others=tuple(other.brand for other in post.labels if other is not label),
                complaint=label.verdict is Verdict.COMPLAINT,
                verdict=label.verdict,
                severity=label.severity,
                about={"lang": post.lang, "source": post.platform, "cause": label.cause},
            )


def of_line(line: str, number: int) -> Row:
    """A line of JSON: text, verdict or label; if known brand or target, aliases, severity, cause, lang, source.

    Raises ValueError.
    """
    given = json.loads(line)
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise ValueError(f'line {number} is not a JSON object with a "text"')
    said = str(given.get("verdict", given.get("label", ""))).lower()
    if not said:
        raise ValueError(f'line {number} has neither "verdict" nor "label"')
    name = str(given.get("brand") or given.get("target") or "")
    return Row(
        post=Post(
            source="gold",
            id=str(given.get("id", number)),
            url="",
            text=given["text"],
            lang=str(given.get("lang") or ""),
        ),
        brand=BrandTarget(
            name=name, aliases=tuple(map(str, given.get("aliases") or ())), thing=bool(given.get("thing"))
        )
        if name
        else NOBODY,
        complaint=said in YES,
        verdict=Verdict(said) if said in list(Verdict) else None,
        severity=given["severity"] if isinstance(given.get("severity"), int) else 0,
        about={key: str(given.get(key) or "") for key in ("lang", "source", "cause")},
    )


def judge(rows: Iterable[Row], rules: Rules) -> Iterator[Judged]:
    for row in rows:
        yield Judged(row=row, said=assess(row.post, row.brand, rules, row.others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of a set of judgements. Shares are 0 to 1."""

    posts: int
    precision: float | None  # None, as macro_f1, where all are complaints: nothing could be mistaken for one
    recall: float
    macro_f1: float | None  # the mean of the F1 of complaints and of all else
    calibration: float  # expected calibration error over ten bins (Naeini et al. 2015)
    severity: float | None = None  # Spearman's rank correlation, of complaints with a severity in the gold
    verdicts: float | None = None  # share of the four verdicts that are right, where the gold has them
    causes: float | None = None  # share of what is rightly called a complaint whose cause is right


def figures(judged: Sequence[Judged], threshold: float = 0.5) -> Figures:
    yes = [(one.row.complaint, one.said.complaint >= threshold) for one in judged]
    both, said, meant = sum(a and b for a, b in yes), sum(b for _, b in yes), sum(a for a, _ in yes)
    neither = sum(not a and not b for a, b in yes)
    others = 2 * neither / max(1, 2 * len(yes) - said - meant)
    graded = [(one.row.severity, one.said.severity) for one in judged if one.row.severity and one.said.severity]
    named = [one.row.verdict is one.said.verdict for one in judged if one.row.verdict]
    causes = [
        _same(cause, one.said.cause) for one in judged if (cause := one.row.about.get("cause")) and one.said.cause
    ]
    mixed = meant < len(yes)
    return Figures(
        posts=len(judged),
        precision=both / max(1, said) if mixed else None,
        recall=both / max(1, meant),
        macro_f1=(2 * both / max(1, said + meant) + others) / 2 if mixed else None,
        calibration=calibration([(one.said.complaint, one.row.complaint) for one in judged]),
        severity=rank_correlation(graded) if len(graded) > 2 else None,
        verdicts=sum(named) / len(named) if named else None,
        causes=sum(causes) / len(causes) if causes else None,
    )


def _same(meant: str, said: str) -> bool:
    """ "noreply" is how the corpus writes what people read as "no reply"."""
    one, other = ("".join(filter(str.isalpha, cause)).lower() for cause in (meant, said))
    return one == other


def calibration(said: Sequence[tuple[float, bool]]) -> float:
    """How far probabilities are from what came true, weighted by how many were said."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for probability, true in said:
        bins.setdefault(min(int(probability * BINS), BINS - 1), []).append((probability, true))
    off = (abs(sum(p for p, _ in held) - sum(t for _, t in held)) for held in bins.values())
    return sum(off) / max(1, len(said))


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman 1904; those that are alike share their rank."""
    one, two = _ranks([a for a, _ in pairs]), _ranks([b for _, b in pairs])
    mean = (len(pairs) - 1) / 2
    spread = math.sqrt(sum((a - mean) ** 2 for a in one) * sum((b - mean) ** 2 for b in two))
    return sum((a - mean) * (b - mean) for a, b in zip(one, two, strict=True)) / spread if spread else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2
        start = end + 1
    return ranks


def broken_down(judged: Sequence[Judged], by: str, least: int = 20) -> dict[str, Figures]:
    """Figures for each value of lang, source or cause that has enough posts."""
    parts: dict[str, list[Judged]] = {}
    for one in judged:
        if value := one.row.about.get(by):
            parts.setdefault(value, []).append(one)
    return {value: figures(held) for value, held in sorted(parts.items()) if len(held) >= least}


def worst(judged: Iterable[Judged], number: int = 10) -> list[Judged]:
    return sorted((one for one in judged if one.wrong >= 0.5), key=lambda one: -one.wrong)[:number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Of ordered pairs: how many, and the share in which the worse post is given more severity."""

    pairs: int
    right: float
    missed: float  # share in which the worse post is not even called a complaint


def held(pair: Pair) -> bool:
    """Half of the pairs, by the hash of the worse post: neither learned from nor looked at."""
    return zlib.crc32(pair.worse[1].encode()) % 2 == 1


def ordered(pairs: Iterable[Pair], rules: Rules) -> Order:
    found = [(_judged(pair.worse, rules), _judged(pair.milder, rules)) for pair in pairs]
    right = sum(worse.severity > milder.severity for worse, milder in found)
    missed = sum(worse.verdict is not Verdict.COMPLAINT for worse, _ in found)
    return Order(pairs=len(found), right=right / max(1, len(found)), missed=missed / max(1, len(found)))


def _judged(side: tuple[BrandTarget, str], rules: Rules) -> Assessment:
    return assess(Post(source="gold", id="", url="", text=side[1]), side[0], rules)
