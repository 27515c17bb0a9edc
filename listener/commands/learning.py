"""learn: what the team's verdicts teach triage; taken on when no worse on verdicts that were held back."""

import json
import math
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import click

from connectors.post import Post
from escalation.clean import line as clean_line
from escalation.events import Event, Opened, Rated, ReportedBack
from listener import learning_severity as severities
from listener.by_hand import SOURCE as BY_HAND
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
from listener.learning import LEAST, Comparison, Learned, Verdicted, changed
from listener.learning import learn as fit_and_compare
from listener.learning_severity import Graded
from listener.settings import Settings
from listener.settings.load import LEARNED
from listener.storage.contract import MentionRow, Question, State, Store
from listener.triage import Assessment, Rules, Scale, Verdict, assess
from listener.triage.rules import LEARNED as LEARNT
from listener.weigh import scales

RECENT = "30d"  # what would have been told otherwise, is told of this time
SHOWN = 50  # changes that are printed


@dataclass(slots=True)
class Said:
    """What people have said, and what was heard lately, whoever spoke of it."""

    complaints: list[Verdicted] = field(default_factory=list)
    severities: list[Graded] = field(default_factory=list)
    lately: list[Verdicted] = field(default_factory=list)
    lately_graded: list[Graded] = field(default_factory=list)


@dataclass(slots=True)
class Part:
    """What one kind of verdict teaches. `changes`: what would have been told otherwise."""

    compared: Comparison
    learned: dict[str, float]
    told: str
    changes: list[dict[str, Any]]
    lines: list[str]

    @property
    def taken(self) -> bool:
        return self.compared.no_worse


@click.command()
@config_option
@click.option("--since", default="365d", show_default=True, metavar="TIME", help="Verdicts on what was heard since.")
@click.option("--gold", type=click.File("w", "utf-8"), help="Also write them down, as `listener eval` reads them.")
@click.option("--undo", is_flag=True, help="Forget what was learned last, and judge as before.")
@json_option
@plainly
async def learn(directory: Path | None, since: str, gold: TextIO | None, undo: bool, as_json: bool) -> None:
    """Learn from the team's own verdicts; taken on only when no worse on verdicts that were held back.

    \b
    listener learn
    listener learn --undo

    "Not a complaint" is a verdict; so is a report of what was done, a matter that somebody raised by hand, and what
    was said of a severity: worse, right, milder.
    """
    file = config_directory(directory) / LEARNED
    if undo:
        _undo(file)
        return
    async with memory(directory) as (settings, store):
        asked = Question(since=moment(since, past=True), limit=sys.maxsize)
        said = await _gathered(_judged(store, settings, asked), store, gold)
    _tell(said, settings.rules, file, as_json)


async def _judged(store: Store, settings: Settings, asked: Question) -> AsyncIterator[tuple[MentionRow, Assessment]]:
    """What triage makes of each mention without anything learned."""
    plain_rules, targets = replace(settings.rules, learned=(1.0, 0.0), scale=Scale()), scales(settings).targets
    async for row in store.search(asked):
        if row.brand in targets:
            post = Post(source=row.source, id=str(row.id), url=row.url, text=row.text, title=row.title)
            yield row, assess(post, targets[row.brand], plain_rules)


async def _gathered(judged: AsyncIterator[tuple[MentionRow, Assessment]], store: Store, gold: TextIO | None) -> Said:
    found, month = Said(), moment(RECENT, past=True)
    async for row, one in judged:
        events = await store.timeline(row.case) if row.case is not None else ()
        meant, rated = _meant(row, events), _rated(row, events)
        verdict, graded = _verdicted(row, one), _graded(row, one)
        if meant is not None:
            found.complaints.append(replace(verdict, complaint=meant))
        if rated and graded:
            found.severities.append(replace(graded, rating=rated.rating, shown=rated.severity))
        if month and row.heard >= month:
            found.lately.append(verdict)
            found.lately_graded += [graded] if graded else []
        if gold and meant is not None and row.text:
            gold.write(json.dumps(_gold(row, meant, rated), ensure_ascii=False) + "\n")
    return found


def _verdicted(row: MentionRow, one: Assessment) -> Verdicted:
    sure = min(max(one.complaint, 1e-4), 1 - 1e-4)
    logit, complaint = math.log(sure / (1 - sure)), row.verdict == Verdict.COMPLAINT
    return Verdicted(id=row.id, logit=logit, complaint=complaint, title=_title(row))


def _graded(row: MentionRow, one: Assessment) -> Graded | None:
    if one.verdict is not Verdict.COMPLAINT:
        return None
    return Graded(id=row.id, severity=one.severity, shown=row.severity, title=_title(row))


def _title(row: MentionRow) -> str:
    return row.title or row.text[:80]


def _meant(row: MentionRow, events: Sequence[Event]) -> bool | None:
    """What a person has said of it: dismissed is no complaint; reported back, rated, or raised by hand, is one."""
    if row.state is State.DISMISSED:
        return False
    if row.source == BY_HAND:
        return True
    if row.state not in (State.ESCALATED, State.JOINED):
        return None
    return True if any(isinstance(event, ReportedBack | Rated) for event in events) else None


def _rated(row: MentionRow, events: Sequence[Event]) -> Rated | None:
    """The last word on the severity of the post that opened the case; none where a person had set the priority."""
    said = [event for event in events if isinstance(event, Rated)]
    opened = row.state is State.ESCALATED and row.source != BY_HAND and isinstance(events[0], Opened)
    return said[-1] if said and opened else None


def _gold(row: MentionRow, complaint: bool, rated: Rated | None) -> dict[str, Any]:
    """A line that `listener eval --gold` reads. A severity is known where somebody has said that it is right."""
    told = {"id": str(row.id), "text": f"{row.title}\n{row.text}" if row.title else row.text, "brand": row.brand}
    told |= {"verdict": "complaint" if complaint else "other", "source": row.source, "cause": row.cause}
    if not rated:
        return told
    known = {"severity": rated.severity} if rated.rating == "right" else {}
    return {**told, "rating": str(rated.rating), "shown": rated.severity, **known}


def _tell(said: Said, rules: Rules, file: Path, as_json: bool) -> None:
    if max(len(said.complaints), len(said.severities)) < LEAST:
        raise Failed(f"{len(said.complaints)} verdicts are too few to learn from; {LEAST} are needed")
    parts = {"complaint": _complaints(said, rules), "severity": _severities(said, rules)}
    _keep(file, rules, [part for part in parts.values() if part and part.taken])
    if as_json:
        print_json({**(_document(parts["complaint"]) or {}), "severity": _document(parts["severity"])})
        return
    for name, given in (("complaint", said.complaints), ("severity", said.severities)):
        _print(name, parts[name], len(given), file)


def _complaints(said: Said, rules: Rules) -> Part | None:
    if len(said.complaints) < LEAST:
        return None
    now = Learned(slope=rules.learned[0], shift=rules.learned[1])
    found, compared = fit_and_compare(said.complaints, now)
    turned = changed(said.lately, now, found)
    more = sum(then for _, then in turned)
    return Part(
        compared=compared,
        learned={"slope": found.slope, "shift": found.shift},
        told=f"{more} more would have been escalated, {len(turned) - more} fewer",
        changes=[{"id": one.id, "title": one.title, "complaint": then} for one, then in turned],
        lines=[f"{'complaint' if then else 'no complaint'} then: {one.title}" for one, then in turned],
    )


def _severities(said: Said, rules: Rules) -> Part | None:
    if len(said.severities) < LEAST:
        return None
    found, compared = severities.learn(said.severities, rules.scale)
    turned = severities.changed(said.lately_graded, rules.scale, found, rules.priorities)
    up = sum(then < was for _, was, then in turned)
    return Part(
        compared=compared,
        learned={"severity_slope": found.slope, "severity_shift": found.shift},
        told=f"{up} would have been more urgent, {len(turned) - up} less",
        changes=[{"id": one.id, "title": one.title, "was": was, "priority": then} for one, was, then in turned],
        lines=[f"{was}, then {then}: {one.title}" for one, was, then in turned],
    )


def _document(part: Part | None) -> dict[str, Any] | None:
    return {**asdict(part.compared), "taken": part.taken, "changes": part.changes} if part else None


def _print(name: str, part: Part | None, given: int, file: Path) -> None:
    out = console()
    if part is None:
        out.print(f"{name}: {given} verdicts are too few to learn from; {LEAST} are needed")
        return
    of = part.compared
    out.print(f"{name}: {of.verdicts} verdicts, {of.held} of them held back")
    out.print(f"right before {of.before_right:.1%}, after {of.after_right:.1%}")
    out.print(f"log loss before {of.before_loss:.3f}, after {of.after_loss:.3f}")
    out.print(f"the last 30 days: {part.told}")
    for one in part.lines[:SHOWN]:
        out.print(clean_line(one, 110), markup=False)
    out.print(f"taken on, in {file}" if part.taken else "not taken on: it would be worse")


def _keep(file: Path, rules: Rules, taken: Sequence[Part]) -> None:
    """What was in force before is beside it; what was not learned anew stays."""
    if not taken:
        return
    numbers = dict(zip(LEARNT, (*rules.learned, rules.scale.slope, rules.scale.shift), strict=True))
    for part in taken:
        numbers |= part.learned
    if file.exists():
        file.replace(file.with_suffix(".before.toml"))
    said = "\n".join(f"{name} = {value}" for name, value in numbers.items())
    file.write_text(f"# written by `listener learn`\n[learned]\n{said}\n", "utf-8")


def _undo(file: Path) -> None:
    before = file.with_suffix(".before.toml")
    if before.exists():
        before.replace(file)
    elif file.exists():
        file.unlink()
    else:
        raise Failed("nothing was learned that could be undone")
    console().print("judged as before")
