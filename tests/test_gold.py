"""The labelled posts: every file parses, every mark stands in its text, no two posts are made from one mould."""

import pytest

from listener.triage import Verdict
from listener.triage.gold import alike, corpus, parse, parse_pairs, severity_pairs

BRANDS = "@brands Nordvik Rail = nordvik rail, nordvik | Halden Express = halden express, halden\n"
LINE = "en reddit two | Nordvik Rail = complaint delivery 30 ; Halden Express = praise | Halden [[2:was early]], nordvik [[1:left us]].\\nnever again"


def test_a_line_is_read_with_its_marks_and_line_breaks() -> None:
    (post,), problems = parse("rail.txt", BRANDS + "# a remark\n\n" + LINE)
    assert not problems and post.where == "rail.txt:4" and post.tags == {"two"}
    assert post.text == "Halden was early, nordvik left us.\nnever again"
    nordvik, halden = post.labels
    assert (nordvik.verdict, nordvik.cause, nordvik.severity) == (Verdict.COMPLAINT, "delivery", 30)
    assert [post.text[start:end] for start, end in nordvik.spans] == ["left us"]
    assert [post.text[start:end] for start, end in halden.spans] == ["was early"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("en x | Nordvik Rail = question", "2 fields"),
        ("xx x | Nordvik Rail = question | when?", '"xx" is not one of en'),
        ("en | Nordvik Rail = question | when?", '"" is not one of x'),
        ("en x odd | Nordvik Rail = question | when?", '"odd" is not one of two'),
        ("en x | Nobody = question | when?", '"Nobody" is not a brand'),
        ("en x | Nordvik Rail = angry | when?", '"angry" is not one of complaint'),
        ("en x | Nordvik Rail = complaint | when?", "complaint CAUSE 1-100"),
        ("en x | Nordvik Rail = complaint delivery 200 | when?", "complaint CAUSE 1-100"),
        ("en x | Nordvik Rail = praise 3 | when?", "only a complaint has a cause"),
        ("en x | Nordvik Rail = praise | so [[kind", "not closed"),
        ("en x | Nordvik Rail = praise | so [[2:kind]]", "must say whose"),
        (LINE.replace("[[1:", "[["), "must say whose"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_with_its_place(line: str, told: str) -> None:
    posts, (problem,) = parse("rail.txt", BRANDS + line)
    assert not posts and problem.startswith("rail.txt:2: ") and told in problem


def test_the_shipped_corpus_is_sound() -> None:
    for post in corpus():
        for label in post.labels:
            for start, end in label.spans:
                assert post.text[start:end].strip() and 0 <= start < end <= len(post.text), post.where
    twins = [f"{one.where} ~ {two.where}" for one, two in alike(corpus())]
    assert not twins, "\n".join(twins)


def test_two_posts_from_one_mould_are_found() -> None:
    text = (
        "en x | Nordvik Rail = other | {} told me that my order number {} would come on the day after, and so it did\n"
    )
    posts, _ = parse("rail.txt", BRANDS + text.format("nordvik", 12) + text.format("nordvik rail", 99))
    assert [*alike(posts)] == [tuple(posts)]


def test_a_pair_is_read_worse_one_first_and_a_slip_is_said_with_its_place() -> None:
    good = "[Nordvik Rail] @nordvikrail_help the lift is dead, I use a chair || [Halden] halden: no trolley today"
    (pair,), problems = parse_pairs(
        "p.txt", f"# worse || milder\n{good}\n[Halden] halden late\n[Halden] late || [Halden] halden"
    )
    assert pair.worse[0].name == "Nordvik Rail" and pair.milder[1] == "halden: no trolley today"
    assert [problem.split('"')[0] for problem in problems] == ["p.txt:3: is not ", "p.txt:4: "]


def test_the_shipped_pairs_are_sound_and_no_post_stands_in_two() -> None:
    texts = [text for pair in severity_pairs() for _, text in (pair.worse, pair.milder)]
    assert len(texts) == len(set(texts))
