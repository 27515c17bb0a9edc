"""No word of a post is lost on the way from HTML to text."""

import pytest

from connectors.text import plain


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>a <!-- note --> b</p><p>c</p>", "a b\nc"),
        ("acme <!channel> broke &amp; burnt", "acme broke & burnt"),
        ("<?php echo 1 ?>a <b>b</b>", "a b"),
        ("a <script>x<!-- y --> z</script>b", "a b"),
        ("half an emoji \ud83d <b>and on</b>", "half an emoji \ufffd and on"),
        ("<p>one<br>two</p>", "one\ntwo"),
    ],
)
def test_what_stands_beside_markup_stays(markup: str, text: str) -> None:
    assert plain(markup) == text
