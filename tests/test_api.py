"""JSON APIs: limits, texts and refusals are understood whatever a server makes of them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polling import NOW

from connectors.api import address, document, epoch, moment, reset, trouble, whole, words
from connectors.contract import ConnectorError, Fix
from connectors.http import Answer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("headers", "until"),
    [
        ({"retry-after": "30", "x-ratelimit-reset": "2026-05-04T14:00:00Z"}, NOW + timedelta(seconds=30)),
        ({"x-ratelimit-reset": "2026-05-04T14:00:00.5Z"}, NOW + timedelta(hours=1, seconds=0.5)),
        ({"ratelimit-reset": str(int(NOW.timestamp()) + 60)}, NOW + timedelta(seconds=60)),
        ({"ratelimit-reset": "45"}, NOW + timedelta(seconds=45)),
        ({"x-ratelimit-reset": "2020-01-01T00:00:00Z"}, NOW),
        ({"x-ratelimit-reset": "2099-01-01T00:00:00Z"}, NOW + timedelta(days=1)),
        ({"ratelimit-reset": "9" * 400}, None),
        ({"ratelimit-reset": "\u00b2"}, None),
        ({"x-ratelimit-reset": "soon"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_how_long_a_limit_lasts(headers: dict[str, str], until: datetime | None) -> None:
    assert reset(headers, NOW) == until


def test_an_address_carries_what_is_asked() -> None:
    asked = [("q", '"acme air" & #1'), ("uris", "a"), ("uris", "b"), ("cursor", None), ("half", "\ud83d")]
    assert address("https://api.example/v1/", "search", asked) == (
        "https://api.example/v1/search?q=%22acme%20air%22%20%26%20%231&uris=a&uris=b&half=%3F"
    )
    assert address("wss://stream.example/subscribe", "", [("cursor", 5)]) == "wss://stream.example/subscribe?cursor=5"
    assert address("https://api.example", "instance") == "https://api.example/instance"


@given(JSON)
def test_any_value_is_read_as_what_it_should_be_or_as_nothing(value: object) -> None:
    assert isinstance(words(value), str)
    words(value).encode()
    for time in (moment(value), epoch(value)):
        assert time is None or time.tzinfo is UTC
    number = whole(value)
    assert number is None or -(2**63) < number < 2**63


@given(st.integers(100, 599), st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_every_answer_is_json_or_an_error_that_keeps_the_query_to_itself(status: int, body: bytes) -> None:
    answer = Answer(status, {}, body, "https://api.example/search?q=secret")
    try:
        document(answer, NOW, access="ask its owner")
    except ConnectorError as error:
        assert "secret" not in str(error) and "api.example" in str(error)
    else:
        assert status == 200


def test_a_refusal_says_the_servers_words_and_ours() -> None:
    answer = Answer(403, {}, b'{"error": "scope", "message": "needs read:search"}', "https://api.example/search")
    refused = trouble(answer, NOW, access="make a new token")
    assert isinstance(refused, Fix)
    assert str(refused) == "https://api.example/search: access is refused (403: needs read:search); make a new token"
