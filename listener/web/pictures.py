"""Charts as numbers: what a search came to, in columns of time and in shares. Pure; the templates draw them, with the
table behind them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from listener.copies import alike, shingles
from listener.storage.contract import MentionRow, Picture

VERDICTS = ("complaint", "question", "praise", "other")  # from the bottom up
WIDTH, HEIGHT, FOOT, LEFT = 960, 180, 22, 44
WORST = 100  # the highest severity there is
BROADEST = 64  # a bar
MOST_HOURS, MOST_BARS = 72, 120  # then a column is a day, a week, a month
LABELS = {"hour": "%a %d %b %H:%M", "month": "%Y-%m"}


@dataclass(slots=True)
class Column:
    """One stretch of time: how much of each series, and how severe its complaints were."""

    begin: datetime
    end: datetime
    label: str
    counts: Counter[str] = field(default_factory=Counter)
    complaining: Counter[str] = field(default_factory=Counter)  # those of them that are complaints
    severities: Counter[str] = field(default_factory=Counter)  # of these, added

    @property
    def complaints(self) -> int:
        return self.complaining.total()

    @property
    def severity(self) -> int:
        """Of its complaints, added."""
        return self.severities.total()

    def mean(self, series: str) -> int | None:
        """The severity of the complaints of one series."""
        complaints = self.complaining[series]
        return round(self.severities[series] / complaints) if complaints else None

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One piece of a column, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    series: str
    column: int  # which one it is a piece of
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series through all columns."""

    series: str
    number: int  # its place, for its colour
    points: str  # "x,y x,y", as SVG has them
    dots: tuple[tuple[float, float, int, str], ...]  # x, y, column, label


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    columns: tuple[Column, ...]
    series: tuple[str, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]  # along the foot
    most: int  # what the highest column, or dot, counts
    unit: str
    width: int = WIDTH
    height: int = HEIGHT + FOOT
    top: int = HEIGHT


def verdicts(picture: Picture) -> Counter[str]:
    return _summed(picture, 2)


def brands(picture: Picture) -> Counter[str]:
    return _summed(picture, 1)


def _summed(picture: Picture, place: int) -> Counter[str]:
    counts = Counter[str]()
    for key, (count, _) in picture.times.items():
        counts[str(key[place])] += count
    return counts


def severity(picture: Picture, brand: str = "") -> int | None:
    """The mean severity of the complaints; None without any."""
    rows = [row for (_, of, verdict), row in picture.times.items() if verdict == "complaint" and brand in ("", of)]
    count = sum(number for number, _ in rows)
    return round(sum(added for _, added in rows) / count) if count else None


def stacked(picture: Picture, zone: str) -> Chart | None:
    """Columns of verdicts in order of time, empty ones too; None when there is nothing to draw."""
    unit, columns = _columns(picture, zone, lambda brand, verdict: verdict)
    if not columns:
        return None
    most, step = max(column.total for column in columns) or 1, (WIDTH - LEFT) / len(columns)
    bars = tuple(bar for place, column in enumerate(columns) for bar in _stack(place, step, most, column))
    return _chart(columns, unit, VERDICTS, bars=bars, most=most)


def compared(picture: Picture, zone: str, names: Iterable[str]) -> Chart | None:
    """A line for each brand."""
    unit, columns = _columns(picture, zone, lambda brand, verdict: brand)
    if not columns:
        return None
    series = tuple(names)
    most, step = max(max(column.counts.values(), default=0) for column in columns) or 1, (WIDTH - LEFT) / len(columns)
    lines = tuple(_line(number, name, _counts(columns, name), step, most) for number, name in enumerate(series))
    return _chart(columns, unit, series, lines=lines, most=most)


def severities(picture: Picture, zone: str, names: Iterable[str]) -> Chart | None:
    """How severe the complaints of each brand were; None when nobody complained."""
    unit, columns = _columns(picture, zone, lambda brand, verdict: brand)
    if not any(column.complaints for column in columns):
        return None
    series, step = tuple(names), (WIDTH - LEFT) / len(columns)
    lines = tuple(_line(number, name, _means(columns, name), step, WORST) for number, name in enumerate(series))
    return _chart(columns, unit, series, lines=lines, most=WORST)


Dots = Iterator[tuple[int, int, str]]  # column, how high, what it says


def _counts(columns: Iterable[Column], name: str) -> Dots:
    for place, column in enumerate(columns):
        yield place, column.counts[name], f"{column.label}: {column.counts[name]} of {name}"


def _means(columns: Iterable[Column], name: str) -> Dots:
    for place, column in enumerate(columns):
        if (mean := column.mean(name)) is not None:
            yield place, mean, f"{column.label}: {column.complaining[name]} complaints of {name}, of severity {mean}"


def _chart(
    columns: list[Column],
    unit: str,
    series: tuple[str, ...],
    *,
    bars: tuple[Bar, ...] = (),
    lines: tuple[Line, ...] = (),
    most: int,
) -> Chart:
    step, every = (WIDTH - LEFT) / len(columns), max(1, -(-len(columns) // 8))
    form = "%H:%M" if unit == "hour" else "%d %b" if unit != "month" else "%b %Y"
    ticks = tuple(
        (round(LEFT + place * step, 2), column.begin.strftime(form))
        for place, column in enumerate(columns)
        if not place % every
    )
    return Chart(columns=tuple(columns), series=series, bars=bars, lines=lines, ticks=ticks, most=most, unit=unit)


def _columns(picture: Picture, zone: str, series: Callable[[str, str], str]) -> tuple[str, list[Column]]:
    """Hours are put together on the reader's own calendar; what was counted by day stays on that of UTC."""
    where: tzinfo = ZoneInfo(zone) if picture.hours else UTC
    times = [at.astimezone(where) for at, _, _ in picture.times]
    if not times:
        return "day", []
    unit = _unit(min(times), max(times), hours=picture.hours)
    found = {column.begin: column for column in _empty(min(times), max(times), unit)}
    for (at, brand, verdict), (count, added) in picture.times.items():
        column, of = found[_begin(at.astimezone(where), unit)], series(brand, verdict)
        column.counts[of] += count
        if verdict == "complaint":
            column.complaining[of] += count
            column.severities[of] += added
    return unit, list(found.values())


def _unit(first: datetime, last: datetime, *, hours: bool) -> str:
    days = (last.date() - first.date()).days + 1
    if hours and last - first < timedelta(hours=MOST_HOURS):
        return "hour"
    return "day" if days <= MOST_BARS else "week" if days <= 7 * MOST_BARS else "month"


def _empty(first: datetime, last: datetime, unit: str) -> Iterator[Column]:
    begin = _begin(first, unit)
    while begin <= last:
        end = _next(begin, unit)
        yield Column(begin, end, begin.strftime(LABELS.get(unit, "%Y-%m-%d")))
        begin = end


def _begin(at: datetime, unit: str) -> datetime:
    if unit == "hour":
        return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0).astimezone(at.tzinfo)
    day = at.date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    return _midnight(day.replace(day=1) if unit == "month" else day, at.tzinfo)


def _next(begin: datetime, unit: str) -> datetime:
    if unit == "hour":
        return (begin.astimezone(UTC) + timedelta(hours=1)).astimezone(begin.tzinfo)
    day = begin.date() + timedelta(days={"day": 1, "week": 7}.get(unit, 32))
    return _midnight(day.replace(day=1) if unit == "month" else day, begin.tzinfo)


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _stack(place: int, step: float, most: int, column: Column) -> Iterator[Bar]:
    top, width = float(HEIGHT), min(step * 0.8, BROADEST)
    for verdict in VERDICTS:
        if count := column.counts[verdict]:
            height = count / most * (HEIGHT - 12)
            top -= height
            yield Bar(
                x=round(LEFT + (place + 0.5) * step - width / 2, 2),
                y=round(top, 2),
                width=round(width, 2),
                height=round(height, 2),
                series=verdict,
                column=place,
                label=f"{column.label}: {count} {verdict}",
            )


def _line(number: int, name: str, values: Dots, step: float, most: int) -> Line:
    dots = tuple(
        (round(LEFT + (place + 0.5) * step, 2), round(HEIGHT - value / most * (HEIGHT - 12), 2), place, label)
        for place, value, label in values
    )
    return Line(series=name, number=number, points=" ".join(f"{x},{y}" for x, y, _, _ in dots), dots=dots)


def shares(counts: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """(name, count, percent), the largest first."""
    return in_order(dict(Counter(counts).most_common()))


def in_order(counts: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """The same, as they come."""
    total = sum(counts.values())
    return [(name, count, round(100 * count / total)) for name, count in counts.items() if total]


def bands(counts: Mapping[str, int]) -> dict[str, int]:
    """Severities, by tens; those of 0 are no complaint's."""
    found = Counter[str]()
    for value, count in counts.items():
        if int(value):
            ten = min(int(value) // 10 * 10, 90)
            found[f"{ten}-{100 if ten == 90 else ten + 9}"] += count
    return dict(sorted(found.items(), key=lambda one: -int(one[0].partition("-")[0])))


def folded(rows: Iterable[MentionRow], most: int) -> tuple[list[list[MentionRow]], int]:
    """Rows of one brand that say nearly the same become one group, at the place of the first; at most so many groups,
    and how many rows are in them: a page ends before the row that would begin one more."""
    groups, used = list[tuple[str, frozenset[str], list[MentionRow]]](), 0
    for row in rows:
        said = shingles(row.text)
        same = next((group for brand, other, group in groups if brand == row.brand and alike(said, other)), None)
        if same is not None:
            same.append(row)
        elif len(groups) == most:
            break
        else:
            groups.append((row.brand, said, [row]))
        used += 1
    return [group for _, _, group in groups], used
