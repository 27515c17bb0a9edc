"""Labelled posts: the corpus' own text format, read strictly. Pure, but for finding the shipped files.

A file names its brands, then has one post a line (docs/corpus.md):

    @brands Nordvik Rail = nordvik rail, nordvikrail | Halden Express = halden express
    en x polite | Nordvik Rail = complaint delivery 30 | @nordvikrail the 7:40 [[never came]], again

One file holds pairs of complaints instead, the worse one first:

    [Nordvik Rail] nordvik rail, the lift is dead and I am in a chair || [Halden] @haldenhelp no trolley today?!
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from listener.triage.model import BrandTarget, Verdict

CAUSES = (
    "billing delivery outage quality safety privacy staff lockout refund cancellation noreply discrimination legal "
    "price policy usability other"
).split()
LANGUAGES = "en es fr de pt it".split()
PLATFORMS = "x reddit blog bluesky mastodon hn review forum".split()
TAGS = (
    "two long news advert job giveaway lyrics quote own joke thanks solved negated irony sarcasm implicit copied mixed "
    "polite switch compare commonword question"
).split()
PAIRS = "severity_pairs.txt"
_PAIR = re.compile(r"\[([^\]]+)\] (.+?) \|\| \[([^\]]+)\] (.+)")
_MARK = re.compile(r"\[\[(?:(\d):)?(.+?)\]\]", re.DOTALL)


class GoldError(Exception):
    """Every line that cannot be read, as file:line and what is wrong with it."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one post says of one brand. `spans` are places in the text; `severity` is 0 where it is no complaint."""

    brand: BrandTarget
    verdict: Verdict
    cause: str = ""
    severity: int = 0
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    where: str  # file:line
    lang: str
    platform: str
    tags: frozenset[str]
    text: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two complaints, each with the brand it is about, that a care lead would put in this order without a doubt."""

    where: str
    worse: tuple[BrandTarget, str]
    milder: tuple[BrandTarget, str]


@cache
def corpus() -> tuple[Gold, ...]:
    """The posts written for this project. Raises GoldError."""
    posts: list[Gold] = []
    problems: list[str] = []
    for file in sorted(files("listener.triage").joinpath("corpus").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt") and file.name != PAIRS:
            found, wrong = parse(file.name, file.read_text("utf-8"))
            posts += found
            problems += wrong
    if problems:
        raise GoldError(problems)
    return tuple(posts)


def parse(name: str, text: str) -> tuple[list[Gold], list[str]]:
    """The posts of one file, and what is wrong with the lines that are none."""
    posts, problems, brands = list[Gold](), list[str](), dict[str, BrandTarget]()
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        try:
            if line.startswith("@brands "):
                brands |= _brands(line.removeprefix("@brands "))
            elif line.strip() and not line.startswith("#"):
                posts.append(_post(where, line, brands))
        except ValueError as wrong:
            problems.append(f"{where}: {wrong}")
    return posts, problems


@cache
def severity_pairs() -> tuple[Pair, ...]:
    """The pairs written for this project. Raises GoldError."""
    found, problems = parse_pairs(PAIRS, files("listener.triage").joinpath("corpus", PAIRS).read_text("utf-8"))
    if problems:
        raise GoldError(problems)
    return tuple(found)


def parse_pairs(name: str, text: str) -> tuple[list[Pair], list[str]]:
    """The pairs of one file, and what is wrong with the lines that are none."""
    pairs, problems = list[Pair](), list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            try:
                pairs.append(_pair(f"{name}:{number}", line.strip()))
            except ValueError as wrong:
                problems.append(f"{name}:{number}: {wrong}")
    return pairs, problems


def _pair(where: str, line: str) -> Pair:
    parts = _PAIR.fullmatch(line)
    if not parts or line.count(" || ") != 1:
        raise ValueError('is not "[Brand] worse post || [Brand] milder post"')
    worse, worse_text, milder, milder_text = parts.groups()
    for brand, text in ((worse, worse_text), (milder, milder_text)):
        if _squeezed(brand) not in _squeezed(text):
            raise ValueError(f'"{brand}" is not named in "{text}"')
    return Pair(where=where, worse=(_named(worse), worse_text), milder=(_named(milder), milder_text))


def _named(brand: str) -> BrandTarget:
    return BrandTarget(name=brand, aliases=(brand.lower(), _squeezed(brand)))


def _squeezed(text: str) -> str:
    return re.sub(r"[^\w@]|_", "", text.lower())


def _brands(line: str) -> Mapping[str, BrandTarget]:
    found = {}
    for part in line.split(" | "):
        name, _, aliases = (piece.strip() for piece in part.partition("="))
        if not name or not aliases:
            raise ValueError(f'"{part.strip()}" is not "Brand Name = alias, alias"')
        found[name] = BrandTarget(name=name, aliases=tuple(alias.strip() for alias in aliases.split(",")))
    return found


def _post(where: str, line: str, brands: Mapping[str, BrandTarget]) -> Gold:
    parts = line.split(" | ")
    if len(parts) != 3:
        raise ValueError(f'has {len(parts)} fields parted by " | ", not 3')
    lang, platform, *tags = parts[0].split() + [""] * (2 - len(parts[0].split()))
    for word, known in ((lang, LANGUAGES), (platform, PLATFORMS), *((tag, TAGS) for tag in tags)):
        if word not in known:
            raise ValueError(f'"{word}" is not one of {", ".join(known)}')
    text, spans = _marked(parts[2].strip())
    said = [piece.strip() for piece in parts[1].split(";") if piece.strip()]
    labels = tuple(_label(piece, brands, spans, number, len(said)) for number, piece in enumerate(said, 1))
    if not labels or not text:
        raise ValueError("says nothing of any brand" if text else "has no text")
    return Gold(where=where, lang=lang, platform=platform, tags=frozenset(tags), text=text, labels=labels)


def _marked(text: str) -> tuple[str, list[tuple[int, int, int]]]:
    """The text without its marks, and for each mark: whose it is (0: nobody said), start, end."""
    text, out, at, spans = text.replace("\\n", "\n"), "", 0, []
    for mark in _MARK.finditer(text):
        out += text[at : mark.start()]
        spans.append((int(mark[1] or 0), len(out), len(out) + len(mark[2])))
        out, at = out + mark[2], mark.end()
    out += text[at:]
    if "[[" in out or "]]" in out:
        raise ValueError("a [[mark]] is not closed, or stands in another")
    return out, spans


def _label(
    piece: str, brands: Mapping[str, BrandTarget], spans: list[tuple[int, int, int]], number: int, of: int
) -> Label:
    name, _, said = (part.strip() for part in piece.partition("="))
    if name not in brands:
        raise ValueError(f'"{name}" is not a brand of @brands: {", ".join(brands)}')
    verdict, *rest = said.split() or [""]
    if verdict not in list(Verdict):
        raise ValueError(f'"{verdict}" is not one of {", ".join(Verdict)}')
    mine = tuple((start, end) for whose, start, end in spans if whose == number or (not whose and of == 1))
    if any(whose > of or (not whose and of > 1) for whose, _, _ in spans):
        raise ValueError(f"a [[mark]] must say whose it is: [[1:…]] to [[{of}:…]]")
    if verdict != Verdict.COMPLAINT:
        if rest:
            raise ValueError(f'"{" ".join(rest)}" after {verdict}: only a complaint has a cause and a severity')
        return Label(brand=brands[name], verdict=Verdict(verdict), spans=mine)
    if len(rest) != 2 or rest[0] not in CAUSES or not rest[1].isdigit() or not 1 <= int(rest[1]) <= 100:
        raise ValueError(f'a complaint is "complaint CAUSE 1-100", causes are {", ".join(CAUSES)}; not "{said}"')
    return Label(brand=brands[name], verdict=Verdict.COMPLAINT, cause=rest[0], severity=int(rest[1]), spans=mine)


def alike(posts: Iterable[Gold], share: float = 0.6) -> Iterator[tuple[Gold, Gold]]:
    """Pairs that have this share of their word triples in common, names and numbers left out; near linear time."""
    holders: dict[tuple[str, str, str], list[int]] = {}
    seen: list[Gold] = []
    for post in posts:
        triples = _triples(post)
        common: dict[int, int] = {}
        for triple in triples:
            for other in holders.setdefault(triple, [])[-50:]:
                common[other] = common.get(other, 0) + 1
            holders[triple].append(len(seen))
        for other, number in common.items():
            if number >= share * min(len(triples), len(_triples(seen[other]))):
                yield seen[other], post
        seen.append(post)


def _triples(post: Gold) -> set[tuple[str, str, str]]:
    """Of a skeleton shorter than five words there are none: "love it" may be said twice."""
    text = post.text.lower()
    for label in post.labels:
        for alias in sorted((*label.brand.aliases, label.brand.name.lower()), key=len, reverse=True):
            text = text.replace(alias, " ° ")
    words = re.findall(r"°|[^\W\d_]+|\d+", text)
    words = ["°" if word.isdigit() else word for word in words]
    return set(zip(words, words[1:], words[2:], strict=False)) if len(words) >= 5 else set()
