"""The one door to tweepy: X's API as JSON, one request at a time.

tweepy could sleep out limits, knows one host, waits for ever and writes tokens into its log. Here every answer is
looked at before tweepy sees it, and what is no answer is translated into our errors.
"""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import tweepy  # type: ignore[import-untyped]

from connectors.api import table, trouble, words
from connectors.blocking import Bounded, Thread
from connectors.contract import Broken, ConnectorError, Hearing, Wait
from connectors.http import Answer

TIMES = (10.0, 30.0)  # seconds for a connection, and between two pieces of an answer
PATIENCE = 60.0  # seconds for one request
ACCESS = "check X_BEARER_TOKEN, and the app's access and credits in X's developer console (https://console.x.com)"
_SPENT = ("credits", "usage-capped")  # ends of a problem's type: there is no money, or no allowance, left


class Refused(ConnectorError):
    """X refuses a place to read from or to go on at; `what` is the parameter's name. The lane begins elsewhere."""

    def __init__(self, what: str, message: str):
        super().__init__(message)
        self.what = what


class _NoAnswer(Exception):
    def __init__(self, answer: Answer):
        super().__init__(f"{answer.status}")
        self.answer = answer


class Api:
    def __init__(self, address: str, token: str):
        self._client = _client(address, token)
        self._thread = Thread("x")

    def close(self) -> None:
        self._thread.close()
        self._client.session.close()

    async def ask(self, call: str, now: datetime, **asked: Any) -> Mapping[str, Any]:
        """`call` is a method of tweepy.Client, or a path. Raises ConnectorError."""
        given = {key: value for key, value in asked.items() if value not in (None, "")}
        try:
            response = await self._thread.run(PATIENCE, self._ask, call, given)
        except TimeoutError:
            raise Wait("X gave no answer in time; tried again later") from None
        except _NoAnswer as no:
            raise refused(no.answer, now) from None
        except (requests.RequestException, OSError) as no:
            raise Wait(f"X cannot be reached ({type(no).__name__}); tried again later") from None
        except (tweepy.TweepyException, TypeError, KeyError, AttributeError, ValueError) as no:
            raise Broken(f"X was asked for {call} in a way that tweepy does not know ({type(no).__name__})") from None
        return _document(response.content)

    def _ask(self, call: str, given: Mapping[str, Any]) -> requests.Response:
        if call.startswith("/"):
            return self._client.request("GET", call, params=given)  # type: ignore[no-any-return]
        return getattr(self._client, call)(**given)  # type: ignore[no-any-return]


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        if body.lstrip()[:1] in (b"{", b"[", b""):
            raise Wait("X's answer breaks off; tried again later") from None
        raise Broken("X answered with something that is no JSON; check api_url") from None
    if not isinstance(found, Mapping) or not found.keys() & {"data", "meta", "errors"}:
        raise Broken("X's answer has neither data nor errors")
    return found


def refused(answer: Answer, now: datetime) -> ConnectorError:
    """What an answer that is none means. Pure."""
    said = _said(answer)
    kind = words(said.get("type")).rpartition("/")[2]
    if kind in _SPENT:
        told = words(said.get("detail")) or words(said.get("title"))
        return Wait(f"X: nothing more may be read for now: {told[:200]}", hearing=Hearing.OUT_OF_BUDGET)
    if answer.status == 400 and (what := _blamed(said)):
        return Refused(what, f"X refuses {what}")
    return trouble(answer, now, access=ACCESS)


def _said(answer: Answer) -> Mapping[str, Any]:
    try:
        return table(json.loads(answer.body))
    except (ValueError, RecursionError):
        return {}


def _blamed(said: Mapping[str, Any]) -> str:
    """The parameter that says where to read from, when that is what X does not like."""
    named = said.get("errors")
    for error in map(table, named if isinstance(named, list) else []):
        parameters = table(error.get("parameters"))
        for what in ("next_token", "pagination_token", "since_id", "until_id", "start_time", "end_time"):
            if what in parameters:
                return what
    return ""


def _answer(response: requests.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    reset = headers.get("x-rate-limit-reset", "")
    if response.status_code == 429 and reset.isascii() and reset.isdigit() and "retry-after" not in headers:
        headers |= _by_its_own_clock(int(reset[:12]), headers.get("date", ""))
    return Answer(response.status_code, headers, response.content, str(response.url))


def _by_its_own_clock(reset: int, date: str) -> dict[str, str]:
    """X says when in seconds since 1970; ours may be another clock, so it counts from the answer's own date."""
    try:
        return {"retry-after": str(max(int(reset - parsedate_to_datetime(date).timestamp()), 1))}
    except (ValueError, TypeError, OverflowError):
        return {"x-ratelimit-reset": str(reset)}


def _client(address: str, token: str) -> tweepy.Client:
    client = tweepy.Client(token or "none", return_type=requests.Response, wait_on_rate_limit=False)
    logging.getLogger(tweepy.client.__name__).setLevel(logging.INFO)  # at DEBUG it writes the token down
    client.session.mount("https://", _Door(address))
    return client


class _Door(Bounded):
    """Leads to `address`, gives up in time, and shows tweepy nothing but good answers."""

    def __init__(self, address: str):
        super().__init__(max_retries=0)
        self._to = urlsplit(address)

    def send(self, request: Any, *args: Any, **given: Any) -> Any:
        here = urlsplit(request.url)
        path = self._to.path.rstrip("/") + here.path
        request.url = urlunsplit((self._to.scheme, self._to.netloc, path, here.query, ""))
        response = super().send(request, *args, **{**given, "timeout": TIMES})
        if response.status_code != 200:  # a redirect, too: our key goes nowhere else
            raise _NoAnswer(_answer(response))
        return response
