"""eval and learn: how good judgements are on posts that people have labelled; what the team's verdicts teach."""

import math
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from connectors.post import Post
from escalation.clean import line as clean_line
from escalation.events import ReportedBack
from listener.by_hand import SOURCE as BY_HAND
from listener.commands.memory import rules_and_brands
from listener.commands.shared import (
    Failed,
    config_directory,
    config_option,
    console,
    json_option,
    memory,
    moment,
    plainly,
    print_json,
)
from listener.learning import LEAST, Verdicted, changed
from listener.learning import Learned as Known
from listener.learning import learn as fit_and_compare
from listener.settings import Settings
from listener.settings.load import LEARNED
from listener.storage.contract import MentionRow, Question, State, Store
from listener.triage import Rules, Verdict, assess
from listener.triage.evaluate import (
    Figures,
    Judged,
    Row,
    broken_down,
    figures,
    held,
    judge,
    of_corpus,
    of_line,
    ordered,
    worst,
)
from listener.triage.gold import corpus, parse, severity_pairs
from listener.weigh import scales

PARTS = ("lang", "source", "cause")
RECENT = "30d"  # what would have been told otherwise, is told of this time
SHOWN = 50  # changes that are printed


@click.command("eval")
@config_option
@click.option("--gold", metavar="FILE", help='Labelled posts: .jsonl, .txt as in docs/corpus.md, or "corpus".')
@click.option(
    "--worst", "shown", type=click.IntRange(0), default=10, show_default=True, help="How many mistakes to show."
)
@click.option("--pairs", is_flag=True, help="Tell how many of the shipped pairs of complaints are put in order.")
@json_option
@plainly
async def evaluate(directory: Path | None, gold: str | None, shown: int, pairs: bool, as_json: bool) -> None:
    """How good judgements are: precision, recall, calibration, by language, source and cause; the worst mistakes.

    \b
    listener eval --gold corpus
    listener eval --gold labelled.jsonl
    listener eval --pairs

    A line of labelled.jsonl is {"text": …, "brand": …, "verdict": "complaint", "severity": 40}.
    """
    rules, _ = rules_and_brands(directory)
    if pairs:
        _tell_pairs(rules, as_json)
        return
    if gold is None:
        raise Failed("say what to compare with: --gold FILE, --gold corpus or --pairs")
    judged = list(judge(_rows(gold), rules))
    if not judged:
        raise Failed(f"{gold} has no labelled posts")
    if as_json:
        print_json({
            "all": asdict(figures(judged)),
            **{f"by {part}": _told(broken_down(judged, part)) for part in PARTS},
            "worst": [_mistake(one) for one in worst(judged, shown)],
        })  # fmt: skip
        return
    _print(judged, rules, shown)


@click.command()
@config_option
@click.option("--since", default="365d", show_default=True, metavar="TIME", help="Verdicts on what was heard since.")
@click.option("--undo", is_flag=True, help="Forget what was learned last, and judge as before.")
@json_option
@plainly
async def learn(directory: Path | None, since: str, undo: bool, as_json: bool) -> None:
    """Learn from the team's own verdicts; taken on only when no worse on verdicts that were held back.

    \b
    listener learn
    listener learn --undo

    "Not a complaint" is a verdict; so is a report of what was done, and a matter that somebody raised by hand.
    """
    file = config_directory(directory) / LEARNED
    if undo:
        _undo(file)
        return
    asked = Question(since=moment(since, past=True), limit=sys.maxsize)
    given, lately = list[Verdicted](), list[Verdicted]()
    async with memory(directory) as (settings, store):
        month = moment(RECENT, past=True)
        async for row, one in _said(store, settings, asked):
            if (meant := await _meant(store, row)) is not None:
                given.append(replace(one, complaint=meant))
            if month and row.heard >= month:
                lately.append(one)
    _tell(given, lately, Known(slope=settings.rules.learned[0], shift=settings.rules.learned[1]), file, as_json)


async def _said(store: Store, settings: Settings, asked: Question) -> AsyncIterator[tuple[MentionRow, Verdicted]]:
    """What triage makes of each mention without anything learned, and what it was taken for."""
    plain_rules, targets = replace(settings.rules, learned=(1.0, 0.0)), scales(settings).targets
    async for row in store.search(asked):
        if row.brand in targets:
            post = Post(source=row.source, id=str(row.id), url=row.url, text=row.text, title=row.title)
            said = min(max(assess(post, targets[row.brand], plain_rules).complaint, 1e-4), 1 - 1e-4)
            yield (
                row,
                Verdicted(
                    id=row.id,
                    logit=math.log(said / (1 - said)),
                    complaint=row.verdict == Verdict.COMPLAINT,
                    title=row.title or row.text[:80],
                ),
            )


async def _meant(store: Store, row: MentionRow) -> bool | None:
    """What a person has said of it: dismissed is no complaint; reported back, or raised by hand, is one."""
    if row.state is State.DISMISSED:
        return False
    if row.source == BY_HAND:
        return True
    if row.case is None or row.state not in (State.ESCALATED, State.JOINED):
        return None
    return True if any(isinstance(event, ReportedBack) for event in await store.timeline(row.case)) else None


def _tell(given: Sequence[Verdicted], lately: Sequence[Verdicted], now: Known, file: Path, as_json: bool) -> None:
    if len(given) < LEAST:
        raise Failed(f"{len(given)} verdicts are too few to learn from; {LEAST} are needed")
    found, compared = fit_and_compare(given, now)
    turned = changed(lately, now, found)
    more = sum(then for _, then in turned)
    if compared.no_worse:
        _keep(file, found)
    if as_json:
        changes = [{"id": one.id, "title": one.title, "complaint": then} for one, then in turned]
        print_json({**asdict(compared), "taken": compared.no_worse, "changes": changes})
        return
    out = console()
    out.print(f"{compared.verdicts} verdicts, {compared.held} of them held back:")
    out.print(f"right before {compared.before_right:.1%}, after {compared.after_right:.1%}")
    out.print(f"log loss before {compared.before_loss:.3f}, after {compared.after_loss:.3f}")
    out.print(f"the last 30 days: {more} more would have been escalated, {len(turned) - more} fewer")
    for one, then in turned[:SHOWN]:
        told = "complaint then" if then else "no complaint then"
        out.print(f"{told}: {clean_line(one.title, 80)}", markup=False)
    out.print(f"taken on, in {file}" if compared.no_worse else "not taken on: it would be worse")


def _keep(file: Path, found: Known) -> None:
    """What was in force before is beside it."""
    if file.exists():
        file.replace(file.with_suffix(".before.toml"))
    file.write_text(
        f"# written by `listener learn`\n[learned]\nslope = {found.slope}\nshift = {found.shift}\n", "utf-8"
    )


def _undo(file: Path) -> None:
    before = file.with_suffix(".before.toml")
    if before.exists():
        before.replace(file)
    elif file.exists():
        file.unlink()
    else:
        raise Failed("nothing was learned that could be undone")
    console().print("judged as before")


def _tell_pairs(rules: Rules, as_json: bool) -> None:
    """Half of them were learned from; the other half says how good it is."""
    halves = {"learned from": False, "held back": True}
    found = {
        name: ordered((pair for pair in severity_pairs() if held(pair) is back), rules) for name, back in halves.items()
    }
    if as_json:
        print_json({name: asdict(order) for name, order in found.items()})
        return
    table = Table("", "pairs", "in order", "worse one not called a complaint")
    for name, order in found.items():
        table.add_row(name, str(order.pairs), f"{order.right:.1%}", f"{order.missed:.1%}")
    console().print(table)


def _rows(gold: str) -> Iterator[Row]:
    if gold == "corpus":
        yield from of_corpus(corpus())
        return
    file = Path(gold)
    if not file.is_file():
        raise Failed(f'{gold} is not a file; "corpus" is the one shipped')
    if file.suffix == ".txt":
        posts, problems = parse(file.name, file.read_text("utf-8"))
        if problems:
            raise Failed("\n".join(problems))
        yield from of_corpus(posts)
        return
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield of_line(line, number)
                except ValueError as wrong:
                    raise Failed(f"{gold}: {wrong}") from None


def _print(judged: Sequence[Judged], rules: Rules, shown: int) -> None:
    table = Table(
        "", "posts", "precision", "recall", "macro-F1", "calibration error", "severity rank", "verdicts right"
    )
    table.add_row("all", *_cells(figures(judged)))
    for part in PARTS:
        for value, found in broken_down(judged, part).items():
            table.add_row(f"{part} {value}", *_cells(found))
    out = console()
    out.print(table)
    for one in worst(judged, shown):
        told = _mistake(one)
        out.print(
            f"[bold]{told['meant']}[/], said {told['said']} ({told['complaint']:.2f}): {escape(str(told['text']))}"
        )


def _cells(of: Figures) -> tuple[str, ...]:
    def share(value: float | None, scale: int = 100) -> str:
        return "" if value is None else f"{scale * value:.1f}" if scale == 100 else f"{value:.3f}"

    return (
        str(of.posts), share(of.precision), share(of.recall), share(of.macro_f1), share(of.calibration, 1),
        share(of.severity, 1), share(of.verdicts),
    )  # fmt: skip


def _mistake(one: Judged) -> dict[str, object]:
    meant = one.row.verdict or ("complaint" if one.row.complaint else "not a complaint")
    return {
        "id": one.row.post.id,
        "brand": one.row.brand.name.strip("\0"),
        "meant": str(meant),
        "said": str(one.said.verdict),
        "complaint": one.said.complaint,
        "text": " ".join(one.row.post.text.split())[:200],
        "reasons": [f"{reason.factor}: {reason.words}" for reason in one.said.reasons[:5]],
    }


def _told(parts: dict[str, Figures]) -> dict[str, object]:
    return {value: asdict(found) for value, found in parts.items()}
