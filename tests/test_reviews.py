"""Review pages: what shops and guides mark with schema.org/Review, in JSON-LD and in microdata, page after page."""

import json
from datetime import UTC, datetime

import pytest
import sites
from hypothesis import given
from hypothesis import strategies as st
from polling import Poller, ids
from webserver import Server

from connectors.contract import Fix, Hearing, Wait
from connectors.http import Web
from connectors.post import PostKind
from connectors.review_parse import Review, next_page, reviews_of, stars
from connectors.reviews import Options, ReviewsConnector

URL = "https://shop.example/kettle"


def ld(data: object) -> str:
    return f'<!doctype html><script type="application/ld+json">{json.dumps(data)}</script>'


PRODUCT = {
    "@context": "https://schema.org",
    "@type": "Product",
    "name": "Kettle 3",
    "review": [
        {
            "@type": "Review",
            "@id": "#r1",
            "name": "Leaks",
            "reviewBody": "It <b>leaks</b> &amp; hisses.",
            "author": {"@type": "Person", "name": "Kim Sample"},
            "reviewRating": {"@type": "Rating", "ratingValue": "2", "bestRating": "10"},
            "datePublished": "2026-05-04",
            "inLanguage": "en",
        }
    ],
}


def test_json_ld_is_read() -> None:
    assert reviews_of(ld(PRODUCT), URL) == [
        Review(
            id="#r1",
            text="It leaks & hisses.",
            title="Leaks",
            author="Kim Sample",
            about="Kettle 3",
            rating=2,
            best=10,
            published=datetime(2026, 5, 4, tzinfo=UTC),
            lang="en",
        )
    ]


def test_microdata_is_read_and_what_it_is_nested_in_is_not_mixed_up() -> None:
    [review] = reviews_of(sites.review("r1", "It leaks.", rating=2, title="Leaks"), URL)
    assert (review.id, review.author, review.title, review.text, review.rating) == (
        "#review-r1",
        "Kim Sample",
        "Leaks",
        "It leaks.",
        2,
    )


@pytest.mark.parametrize(
    "data",
    [
        [PRODUCT],
        {"@graph": [{"@type": "WebPage"}, PRODUCT]},
        PRODUCT["review"],
        {**PRODUCT["review"][0], "@type": ["Thing", "https://schema.org/Review"]},  # type: ignore[index]
        {**PRODUCT["review"][0], "author": "Kim Sample", "itemReviewed": [{"name": "Kettle 3"}]},  # type: ignore[index]
        {"@type": "Product", "name": "Kettle 3", "reviews": PRODUCT["review"]},
    ],
    ids=range(6),
)
def test_the_same_in_other_shapes(data: object) -> None:
    [review] = reviews_of(ld(data), URL)
    assert (review.id, review.text, review.author) == ("#r1", "It leaks & hisses.", "Kim Sample")


def test_without_a_name_it_is_known_by_its_words_and_never_by_its_date() -> None:
    def one(**changed: str) -> str:
        [found] = reviews_of(
            ld(
                {
                    "@type": "Review",
                    "author": "Kim",
                    "reviewBody": "It leaks.",
                    "datePublished": "2026-05-04",
                    **changed,
                }
            ),
            URL,
        )
        return found.id

    assert one() == one(datePublished="2026-05-05") != one(reviewBody="It is fine.") != one(author="Lou")


def test_what_is_marked_twice_comes_once() -> None:
    page = ld({**PRODUCT["review"][0], "@id": "#review-r1"}) + sites.review("r1", "It leaks & hisses.")  # type: ignore[index]
    assert len(reviews_of(page, URL)) == 1


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<p>no review",
        ld("x"),
        ld({"@type": "Review"}),
        "<script type='application/ld+json'>{broken</script>",
        ld([[[]]]),
    ],
    ids=range(6),
)
def test_what_holds_no_review_gives_none(page: str) -> None:
    assert reviews_of(page, URL) == []


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["@type", "review", "author", "name", "reviewRating", "@id", "reviewBody", "url"]),
                inner | st.just("Review"),
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_ld_is_reviews_or_none(data: object) -> None:
    assert all(review.id and (review.text or review.title) for review in reviews_of(ld(data), URL))


def test_deep_json_ld_does_no_harm() -> None:
    assert reviews_of(f'<script type="application/ld+json">{"[" * 50_000}</script>', URL) == []


@pytest.mark.parametrize(
    ("rating", "best", "shown"),
    [
        (1, 5, "★☆☆☆☆"),
        (10, 10, "★★★★★"),
        (0, 5, "☆☆☆☆☆"),
        (3.5, 5, "★★★★☆"),
        (7, 5, "★★★★★"),
        (None, 5, ""),
        (1, 0, ""),
    ],
)
def test_stars(rating: float | None, best: float, shown: str) -> None:
    assert stars(rating, best) == shown


def test_next_leads_on_but_nowhere_else() -> None:
    assert next_page('<link rel="next" href="?page=2">', URL) == f"{URL}?page=2"
    assert next_page('<a rel="nofollow next" href="/kettle/2">', URL) == "https://shop.example/kettle/2"
    assert next_page('<a rel="next" href="https://elsewhere.example/2">', URL) == ""
    assert next_page("<p>", URL) == ""


@pytest.fixture
def shop(server: Server) -> sites.Shop:
    return sites.Shop(server)


def ear(shop: sites.Shop, web: Web, **options: int) -> Poller:
    return Poller(ReviewsConnector("shop", Options(url=f"{shop.server.address}/reviews", **options), web))


async def test_a_review_is_a_post_with_its_stars(shop: sites.Shop, web_: Web) -> None:
    shop.reviews["a"] = sites.review("a", "It leaks.", rating=2, title="Leaks")
    poller = ear(shop, web_)
    [post] = await poller.poll()
    assert (post.kind, post.title, post.text, post.author.name) == (
        PostKind.REVIEW,
        "★★☆☆☆ Leaks",
        "It leaks.",
        "Kim Sample",
    )
    assert (post.extra["rating"], post.url, post.site) == ("2/5", f"{shop.server.address}/reviews", "127.0.0.1")
    assert await poller.poll() == []


async def test_a_changed_rating_is_an_edit(shop: sites.Shop, web_: Web) -> None:
    shop.reviews["a"] = sites.review("a", "It leaks.", rating=4)
    poller = ear(shop, web_)
    [before] = await poller.poll()
    shop.reviews["a"] = sites.review("a", "It leaks.", rating=1)
    [after] = await poller.poll()
    assert after.id == before.id and after.fingerprint != before.fingerprint


async def test_older_pages_are_read_until_one_shows_nothing_new(shop: sites.Shop, web_: Web) -> None:
    def write(numbers: range) -> None:
        shop.reviews |= {f"r{n}": sites.review(f"r{n}", f"text {n}") for n in numbers}

    write(range(150))
    poller = ear(shop, web_)
    assert len(await poller.poll()) == 150
    write(range(150, 400))
    assert len(set(ids(await poller.poll()))) == 250
    assert poller.last.hearing is Hearing.HEARD
    shop.server.asked.clear()
    assert await poller.poll() == [] and len(shop.server.asked) == 1
    write(range(400, 1_100)), await poller.poll()
    shop.server.asked.clear()
    assert await poller.poll() == [] and len(shop.server.asked) == 1, "the newest are never forgotten"
    write(range(1_100, 3_300))
    await poller.poll()
    assert poller.last.hearing is Hearing.TRUNCATED and "not heard" in poller.last.note


async def test_the_first_reading_goes_back_only_so_far(shop: sites.Shop, web_: Web) -> None:
    shop.reviews |= {f"r{n}": sites.review(f"r{n}", f"text {n}") for n in range(500)}
    poller = ear(shop, web_, pages=2)
    assert len(await poller.poll()) == 200 and poller.last.hearing is Hearing.HEARD


async def test_a_page_without_reviews_says_so(server: Server, web_: Web) -> None:
    server.answers["/reviews"] = "<!doctype html>nothing"
    with pytest.raises(Fix, match="holds no review"):
        await Poller(ReviewsConnector("shop", Options(url=f"{server.address}/reviews"), web_)).poll()


async def test_a_site_that_never_closes_its_pages_is_heard(server: Server, web_: Web) -> None:
    """HTML lets the last tags be left out; only who had them and has them no more was cut off."""
    shown = f"<!doctype html><html><body>{sites.review('a', 'it broke')}"
    server.answers["/reviews"] = shown
    poller = Poller(ReviewsConnector("shop", Options(url=f"{server.address}/reviews"), web_))
    assert len(await poller.poll()) == 1
    server.answers["/reviews"] = f"{shown}{sites.review('b', 'again')}</body></html>"
    assert len(await poller.poll()) == 1
    server.answers["/reviews"] = shown
    with pytest.raises(Wait, match="breaks off"):
        await poller.poll()
