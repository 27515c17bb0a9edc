"""Figures are what their definitions say, gold is read from lines and from the corpus, and readers' agreement is computed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from connectors.post import Post
from listener.cli import main
from listener.triage import Assessment, Verdict, blind, load_rules
from listener.triage.evaluate import (
    NOBODY,
    Judged,
    Row,
    broken_down,
    calibration,
    figures,
    judge,
    of_corpus,
    of_line,
    rank_correlation,
    worst,
)
from listener.triage.gold import corpus, parse

POST = Post(source="gold", id="1", url="", text="x")


def judged(meant: bool, said: float, severity: int = 0, found: int = 0, lang: str = "en") -> Judged:
    verdict = Verdict.COMPLAINT if said >= 0.5 else Verdict.OTHER
    answer = Assessment(verdict=verdict, complaint=said, severity=found, priority=None, cause="", reasons=())
    return Judged(
        row=Row(post=POST, brand=NOBODY, complaint=meant, severity=severity, about={"lang": lang}), said=answer
    )


def test_precision_recall_and_macro_f1() -> None:
    of = figures([judged(True, 0.9), judged(True, 0.2), judged(False, 0.7), judged(False, 0.1)])
    assert (of.posts, of.precision, of.recall, of.macro_f1) == (4, 0.5, 0.5, 0.5)
    assert figures([judged(True, 0.9), judged(False, 0.1)]).macro_f1 == 1.0


def test_where_all_are_complaints_only_recall_and_the_cause_can_be_right() -> None:
    late = judged(True, 0.9)
    row = replace(late.row, about={"cause": "noreply"})
    found = [Judged(row=row, said=replace(late.said, cause=cause)) for cause in ("no reply", "delivery")]
    of = broken_down(found * 10, "cause")["noreply"]
    assert (of.precision, of.macro_f1, of.recall, of.causes) == (None, None, 1.0, 0.5)


def test_calibration_is_how_far_probabilities_are_from_what_came_true() -> None:
    assert calibration([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == 0
    assert calibration([(0.95, False)] * 10) == pytest.approx(0.95)


def test_severity_is_compared_by_rank_and_ties_share_theirs() -> None:
    assert rank_correlation([(1, 10), (2, 20), (3, 30)]) == pytest.approx(1)
    assert rank_correlation([(1, 30), (2, 20), (3, 10)]) == pytest.approx(-1)
    assert rank_correlation([(1, 5), (1, 5), (2, 5)]) == 0
    assert figures([judged(True, 0.9, s, f) for s, f in ((10, 20), (50, 40), (90, 80))]).severity == pytest.approx(1)


def test_figures_are_broken_down_where_there_is_enough_and_the_worst_mistakes_come_first() -> None:
    many = [judged(True, 0.9)] * 20 + [judged(True, 0.9, lang="de")] * 3
    assert list(broken_down(many, "lang")) == ["en"]
    wrong = [judged(True, 0.4), judged(False, 0.99), judged(True, 0.9)]
    assert [one.said.complaint for one in worst(wrong)] == [0.99, 0.4]


def test_gold_is_read_from_a_line() -> None:
    row = of_line('{"text": "late again", "target": "Acme", "label": "negative", "severity": 30, "lang": "en"}', 1)
    assert row.complaint and row.brand.name == "Acme" and row.severity == 30 and row.verdict is None
    assert of_line('{"text": "hi", "verdict": "question"}', 1).verdict is Verdict.QUESTION
    for bad in ("[]", '{"text": 3}', '{"text": "no label"}'):
        with pytest.raises(ValueError):
            of_line(bad, 1)


def test_eval_tells_and_shows_its_mistakes(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    rows = [
        {"id": "a", "text": "Acme lost my bag and nobody answers", "brand": "Acme", "verdict": "complaint"},
        {"id": "b", "text": "Acme lost my bag and nobody answers", "brand": "Acme", "verdict": "praise"},
    ]
    gold.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    done = CliRunner().invoke(main, ["eval", "--gold", str(gold), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["all"]["posts"] == 2 and [one["id"] for one in told["worst"]] == ["b"]
    shown = CliRunner().invoke(main, ["eval", "--gold", str(gold)])
    assert shown.exit_code == 0 and "macro-F1" in shown.stdout and "lost my bag" in shown.stdout
    assert CliRunner().invoke(main, ["eval", "--gold", "nowhere.jsonl"]).exit_code == 1


def test_the_corpus_is_judged_as_it_was_learned() -> None:
    few = [row for number, row in enumerate(of_corpus(corpus())) if number % 20 == 0]
    assert (figures(list(judge(few, load_rules()))).macro_f1 or 0) > 0.8


def test_two_readers_agreement() -> None:
    posts, problems = parse("a.txt", "@brands Acme = acme | Bolt = bolt\n" + "\n".join(
        f"en x | Acme = complaint delivery {20 + n} | acme never brought number {n}" if n % 2 else f"en x | Acme = praise | thanks acme for {n}"
        for n in range(1, 9)
    ))  # fmt: skip
    assert not problems
    drawn = list(blind.draw(posts, 6))
    assert len(drawn) == 6 and drawn == list(blind.draw(posts, 6)) and all(row["verdict"] == "" for row in drawn)
    same = [{**row, "verdict": "complaint" if "never" in str(row["text"]) else "praise"} for row in drawn]
    assert blind.agreement(posts, same)["verdicts kappa"] == 1.0
    other = [{**row, "verdict": "complaint"} for row in drawn]
    assert blind.agreement(posts, other)["verdicts kappa"] == pytest.approx(0, abs=1e-9)
    harsher = [
        {**row, "verdict": "complaint", "cause": "delivery", "severity": 24} for row in drawn
    ]  # the corpus: 21, 23, 25 and 27
    told = blind.agreement(posts, harsher)
    assert told["causes alike"] == 1.0 and 0 < told["severities in the same band"] < 1
    assert [blind.band(severity) for severity in (24, 25, 44, 45, 69, 70)] == [0, 1, 1, 2, 2, 3]
    with pytest.raises(ValueError, match="not in the corpus"):
        blind.agreement(posts, [{"id": "b.txt:1 Acme", "verdict": "praise"}])
