"""eval: how good judgements are on posts that people have labelled."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from listener.commands.memory import rules_and_brands
from listener.commands.shared import (
    Failed,
    config_option,
    console,
    json_option,
    plainly,
    print_json,
)
from listener.triage import Rules
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

PARTS = ("lang", "source", "cause")


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
        "",
        "posts",
        "precision",
        "recall",
        "macro-F1",
        "calibration error",
        "severity rank",
        "verdicts right",
        "cause right",
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
        share(of.severity, 1), share(of.verdicts), share(of.causes),
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
