"""Charts as numbers: how many a day, what share of what. Pure; the templates draw them, with the table behind them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from listener.storage.contract import MentionRow

VERDICTS = ("complaint", "question", "praise", "other")  # from the bottom up
WIDTH, HEIGHT, FOOT, LEFT = 960, 180, 22, 44
MOST_BARS = 120  # then a bar is a week, or a month


@dataclass(slots=True)
class Tally:
    """What a search came to, counted as its rows stream by."""

    zone: str
    total: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    brands: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    authors: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    days: dict[date, Counter[str]] = field(default_factory=dict)

    def add(self, row: MentionRow) -> None:
        self.total += 1
        self.verdicts[row.verdict] += 1
        self.brands[row.brand] += 1
        self.sources[row.source] += 1
        for name, counter in ((row.author, self.authors), (row.cause, self.causes)):
            if name:
                counter[name] += 1
        self.days.setdefault(_day(row, self.zone), Counter())[row.verdict] += 1


def _day(row: MentionRow, zone: str) -> date:
    posted: datetime = min(row.created or row.heard, row.heard)
    return posted.astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One piece of a column, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    verdict: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    bars: tuple[Bar, ...]
    columns: tuple[tuple[str, Mapping[str, int]], ...]  # the table: label, verdict -> count
    ticks: tuple[tuple[float, str], ...]  # along the foot
    most: int  # what the highest column counts
    unit: str
    width: int = WIDTH
    height: int = HEIGHT + FOOT
    top: int = HEIGHT


def chart(days: Mapping[date, Counter[str]]) -> Chart | None:
    """Columns in order of time, days without a mention too; None when there is nothing to draw."""
    if not days:
        return None
    unit, columns = _columns(days)
    most = max(counts.total() for _, counts in columns)
    step = (WIDTH - LEFT) / len(columns)
    every = max(1, -(-len(columns) // 8))
    return Chart(
        bars=tuple(
            bar for place, (day, counts) in enumerate(columns) for bar in _stack(place, step, most, day, counts)
        ),
        columns=tuple((day.isoformat(), counts) for day, counts in columns if counts),
        ticks=tuple(
            (LEFT + place * step, f"{day:%d %b}") for place, (day, _) in enumerate(columns) if not place % every
        ),
        most=most,
        unit=unit,
    )


def _columns(days: Mapping[date, Counter[str]]) -> tuple[str, list[tuple[date, Counter[str]]]]:
    span = (max(days) - min(days)).days + 1
    unit = "day" if span <= MOST_BARS else "week" if span <= 7 * MOST_BARS else "month"
    found: dict[date, Counter[str]] = {begin: Counter() for begin in _begins(min(days), max(days), unit)}
    for day, counts in days.items():
        found[_begin(day, unit)] += counts
    return unit, sorted(found.items())


def _begins(first: date, last: date, unit: str) -> Iterator[date]:
    day = first
    while day <= last:
        yield _begin(day, unit)
        day += timedelta(days=1 if unit == "day" else 7)
    yield _begin(last, unit)


def _begin(day: date, unit: str) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _stack(place: int, step: float, most: int, day: date, counts: Counter[str]) -> Iterator[Bar]:
    top = float(HEIGHT)
    for verdict in VERDICTS:
        if count := counts[verdict]:
            height = count / most * (HEIGHT - 12)
            top -= height
            yield Bar(
                x=round(LEFT + place * step + step * 0.1, 2),
                y=round(top, 2),
                width=round(step * 0.8, 2),
                height=round(height, 2),
                verdict=verdict,
                label=f"{day.isoformat()}: {count} {verdict}",
            )


def shares(counts: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """(name, count, percent), the largest first."""
    total = sum(counts.values())
    return [(name, count, round(100 * count / total)) for name, count in Counter(counts).most_common()]


def folded(rows: Iterable[MentionRow], alike: Iterable[str]) -> list[list[MentionRow]]:
    """Rows of the same `alike` and brand become one group, at the place of the first; "" is like nothing."""
    groups: dict[object, list[MentionRow]] = {}
    for number, (row, key) in enumerate(zip(rows, alike, strict=True)):
        groups.setdefault((key, row.brand) if key else number, []).append(row)
    return list(groups.values())
