"""Full texts: the page's words when they are the article's, and never fewer than the feed's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.article import extract, read_article, teasing, whole

TEASER = "It began well, and then the gate closed …"
ARTICLE = "It began well, and then the gate closed in front of us. Nobody said a word until midnight."


def test_an_article_takes_the_place_of_its_teaser() -> None:
    assert whole(TEASER, ARTICLE) == ARTICLE


def test_the_wrong_part_of_a_page_does_not() -> None:
    sidebar = "Links Pelican Python.org Jinja2 You can modify those links in your config file and much more besides"
    assert whole("Acme Air lost my bag, no answer.", sidebar).startswith("Acme Air lost my bag, no answer.")


def test_nothing_found_leaves_the_teaser() -> None:
    assert whole(TEASER, "") == TEASER
    assert extract("<html", TEASER) == TEASER


@pytest.mark.parametrize(
    ("text", "expected"),
    [("short", True), ("x " * 400, False), ("x " * 400 + "[…]", True), ("x " * 400 + "Read more »", True)],
)
def test_what_looks_like_a_teaser(text: str, expected: bool) -> None:
    assert teasing(text) is expected


@given(st.text(), st.text())
def test_the_feeds_own_words_are_never_lost(teaser: str, article: str) -> None:
    kept = whole(teaser, article)
    assert kept in (teaser, article) or kept.startswith(teaser)


def test_menus_are_no_part_of_a_short_article_and_letters_stay_what_they_are() -> None:
    page = (
        "<html><body><nav><a href='/'>Home</a> <a href='/about'>About</a></nav><article><p>Mon bagage est arrivé"
        " cassé, et personne ne répond à Zürich 電話.</p></article><footer>All rights reserved</footer></body></html>"
    )
    assert extract(page, "Mon bagage est arrivé") == "Mon bagage est arrivé cassé, et personne ne répond à Zürich 電話."


def test_a_page_that_names_no_charset_keeps_its_letters() -> None:
    found = read_article("<html><head><title>Réponse</title></head><body><h1>Réponse tardive</h1></body></html>")
    assert found.title == "Réponse tardive"
