"""The one door to praw: Reddit's API as JSON, one request at a time.

prawcore would sleep out limits, try again and hide what the server said. Here it sees no limit and no failure: every
answer is looked at before it gets it, and what is no answer is translated into our errors.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from praw import Reddit
from praw.exceptions import PRAWException
from prawcore import Requestor
from prawcore.exceptions import BadJSON, OAuthException, PrawcoreException, RequestException
from requests import Session

from connectors.api import trouble
from connectors.blocking import Bounded, Thread
from connectors.contract import Broken, ConnectorError, Fix, Wait
from connectors.http import Answer
from connectors.reddit_parse import shut_because

PATIENCE = 60.0  # seconds for one request, with a new token when one is needed
READ_TIMEOUT = 30
FEW = 2.0  # requests left of the allowance: the next could be one too many
TOKEN = "/api/v1/access_token"
APPLY = (
    "apply at https://support.reddithelp.com/hc/en-us/articles/42728983564564 (Responsible Builder Policy); "
    "until then set rss = true"
)
_LIMITS = ("x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset")


class NotApproved(Exception):
    """No key, a wrong one, or none that Reddit has approved. No ConnectorError: it is not the trouble of one lane."""


class Shut(Fix):
    """A place on Reddit that is not open to us; `why` goes on after its name."""

    def __init__(self, where: str, why: str):
        super().__init__(f"{where} {why}")
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    reddit_url: str
    oauth_url: str
    agent: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    found: Any  # JSON
    rest: timedelta | None  # how long to leave Reddit alone now, when the allowance is used up


class _Refused(Exception):
    """An answer that is none."""

    def __init__(self, answer: Answer):
        super().__init__(f"{answer.status}")
        self.answer = answer


class _Requestor(Requestor):
    """Shows each answer to us first. What prawcore does not see it cannot sleep for, try again or follow."""

    def __init__(self, *, show: Callable[[Answer], None], **given: Any):
        super().__init__(**given)
        self._show = show

    def request(self, *args: Any, timeout: float | None = None, **given: Any) -> Any:
        try:
            response = super().request(*args, timeout=READ_TIMEOUT, **{**given, "allow_redirects": False})
        except RequestException as no:
            what = type(no.original_exception).__name__
            raise Wait(f"Reddit cannot be reached ({what}); tried again later") from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, headers, response.content, str(response.url))
        self._show(answer)
        for name in _LIMITS:
            response.headers.pop(name, None)
        if response.status_code != 200:
            raise _Refused(answer)
        return response


class Api:
    def __init__(self, access: Access):
        self._access = access
        self._session = _session()
        self._thread = Thread("reddit")
        self._reddit: Reddit | None = None
        self._latest: Answer | None = None

    async def get(self, path: str, asked: Iterable[tuple[str, Any]], now: datetime) -> Reply:
        """Raises ConnectorError, NotApproved."""
        if not (self._access.client_id and self._access.client_secret):
            raise NotApproved(f"there is no key for Reddit: set REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET; {APPLY}")
        params = {key: value for key, value in asked if value is not None}
        try:
            return await self._thread.run(PATIENCE, self._get, path, params, now)
        except TimeoutError:
            self._reddit = None  # its thread may still be busy with it
            raise Wait(f"Reddit gave no answer to {path} in time; tried again later") from None

    def _get(self, path: str, params: Mapping[str, Any], now: datetime) -> Reply:
        try:
            return self._once(path, params)
        except _Refused as no:
            if no.answer.status != 401 or no.answer.url.endswith(TOKEN):
                raise refused(no.answer, path, now) from None
        self._reddit = None  # the token ran out or was taken back: a new client asks for a new one, once
        try:
            return self._once(path, params)
        except _Refused as no:
            raise refused(no.answer, path, now) from None

    def _once(self, path: str, params: Mapping[str, Any]) -> Reply:
        try:
            found = self._client().request(method="GET", path=path, params=dict(params))
        except OAuthException as no:
            raise NotApproved(f"Reddit gives no token ({str(no.error)[:80]}); {APPLY}") from None
        except BadJSON:
            raise _not_json(self._latest, path) from None
        except (PrawcoreException, PRAWException, ValueError, KeyError, TypeError, AttributeError) as no:
            raise Broken(f"Reddit's answer to {path} was not understood ({type(no).__name__})") from None
        return Reply(found, rest_after(self._latest.headers if self._latest else {}))

    def _client(self) -> Reddit:
        """Whatever praw would read from a praw.ini or from the environment is said here."""
        if self._reddit is None:
            self._reddit = Reddit(
                "DEFAULT",
                requestor_class=_Requestor,
                requestor_kwargs={"show": self._show, "session": self._session},
                client_id=self._access.client_id,
                client_secret=self._access.client_secret,
                user_agent=self._access.agent,
                reddit_url=self._access.reddit_url.rstrip("/"),
                oauth_url=self._access.oauth_url.rstrip("/"),
                username=None,
                password=None,
                refresh_token=None,
                check_for_updates=False,
                check_for_async=False,
                ratelimit_seconds=0,
            )
        return self._reddit

    def _show(self, answer: Answer) -> None:
        self._latest = answer

    def close(self) -> None:
        self._thread.close()
        self._session.close()


def _session() -> Session:
    session = Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, Bounded())
    return session


def agent(account: str) -> str:
    """As Reddit wants it: <platform>:<app>:<version> (by /u/<name>). Pure."""
    by = f" (by /u/{account.removeprefix('/').removeprefix('u/')})" if account else ""
    return f"{sys.platform}:listening-post:{version('listening-post')}{by}"


def rest_after(headers: Mapping[str, str]) -> timedelta | None:
    """X-Ratelimit-Remaining and -Reset, in seconds: how long to ask nothing; None while there is enough left. Pure."""
    try:
        left, seconds = float(headers["x-ratelimit-remaining"]), float(headers["x-ratelimit-reset"])
        return timedelta(seconds=min(max(seconds, 1.0), 3600.0)) if left < FEW else None
    except (KeyError, ValueError, OverflowError):
        return None


def refused(answer: Answer, path: str, now: datetime) -> Exception:
    """What an answer that is none means. Pure."""
    status = answer.status
    if answer.url.endswith(TOKEN) and status in (400, 401):
        return NotApproved(
            f"Reddit does not know our key ({status}): check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET; {APPLY}"
        )
    if answer.url.endswith(TOKEN) and status == 403:
        return NotApproved(f"Reddit has not approved our key (403); {APPLY}")
    if status == 401:
        return NotApproved(f"Reddit does not take the token it gave us (401); {APPLY}")
    if path.startswith("r/") and (why := shut_because(status, answer.headers, answer.body)):
        return Shut("/".join(path.split("/")[:2]), why)
    return trouble(answer, now, access=APPLY)


def _not_json(answer: Answer | None, path: str) -> ConnectorError:
    if answer and answer.body.lstrip()[:1] in (b"{", b"[", b""):
        return Wait(f"Reddit's answer to {path} breaks off; tried again later")
    return Broken(f"Reddit answered {path} with something that is no JSON")
