"""JSON APIs: what they answered, or what a person must do about it. Pure.

How far a limit reaches is said in Retry-After (RFC 9110), X-RateLimit-Reset (Mastodon: a date) or RateLimit-Reset
(Bluesky: seconds since 1970; the IETF's draft: seconds from now).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.contract import Broken, ConnectorError, Fix, Hearing, Wait
from connectors.http import LONGEST_WAIT, Answer, refusal, retry_after, shown

_HALVES = re.compile("[\ud800-\udfff]")
_EPOCH = 10**8  # a larger number is a moment, a smaller one a span


def address(base: str, path: str, asked: Iterable[tuple[str, Any]] = ()) -> str:
    """`asked` without what is None; blanks as %20, which every server understands."""
    query = urlencode([(key, str(value)) for key, value in asked if value is not None], errors="replace")
    where = f"{base.rstrip('/')}/{path}" if path else base
    return f"{where}?{query.replace('+', '%20')}" if query else where


def document(answer: Answer, now: datetime, *, access: str) -> Any:
    """The JSON of a good answer. `access` says what to do when we are not let in. Raises ConnectorError."""
    if answer.status != 200:
        raise trouble(answer, now, access=access)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        if answer.body.lstrip()[:1] in (b"{", b"[", b""):
            raise Wait(f"{_place(answer)}: the answer breaks off; tried again later") from None
        raise Broken(f"{_place(answer)}: answered something that is no JSON; check the address") from None


def is_gone(answer: Answer) -> bool:
    """The item asked for is no more. A web page that says so speaks of the address, and proves nothing."""
    return answer.status in (404, 410) and "html" not in answer.content_type


def trouble(answer: Answer, now: datetime, *, access: str) -> ConnectorError:
    """An answer that is none, sorted by what to do about it."""
    where, status = _place(answer), answer.status
    if status in (401, 403, 407):
        return Fix(f"{where}: access is refused ({_said(answer)}); {access}")
    if status == 402:
        return Wait(f"{where}: the budget is used up ({_said(answer)})", hearing=Hearing.OUT_OF_BUDGET)
    if status == 429:
        until = reset(answer.headers, now)
        return Wait(f"{where}: the limit of requests is reached", until=until, hearing=Hearing.RATE_LIMITED)
    if status in (404, 410):
        return Fix(f"{where}: is not there ({status}); check api_url")
    if status in (400, 422):
        return Fix(f"{where}: the question was refused ({_said(answer)}); {access}")
    return refusal(answer, now)


def reset(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When we may ask again, at most a day away; None when the server did not say."""
    if until := retry_after(headers.get("retry-after", ""), now):
        return until
    said = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or ""
    until = _numbered(int(said[:12]), now) if said.isascii() and said.isdigit() else moment(said)
    return min(max(until, now), now + LONGEST_WAIT) if until else None


def _numbered(number: int, now: datetime) -> datetime | None:
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(number, UTC) if number > _EPOCH else now + timedelta(seconds=number)
    return None


def moment(text: Any) -> datetime | None:
    """ISO 8601, aware UTC; None when it is none."""
    try:
        stated = datetime.fromisoformat(text)
        return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def epoch(number: Any) -> datetime | None:
    """Seconds since 1970 -> aware UTC; None when it is none."""
    try:
        return datetime.fromtimestamp(number, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def whole(number: Any) -> int | None:
    """A count as a store can hold it; None when it is none."""
    return number if isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**53 else None


def words(value: Any) -> str:
    """A text as a JSON field should hold it; an id that came as a number too. Half an emoji becomes \ufffd."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text.isascii() or not _HALVES.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def table(value: Any) -> Mapping[str, Any]:
    """An object where one was promised, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def skipped(number: int, total: Sequence[Any]) -> str:
    """A sentence for what could not be read of a page; "" when all could."""
    return f"{number} of {len(total)} items could not be read and were left out" if number else ""


def _place(answer: Answer) -> str:
    return shown(answer.url).partition("?")[0]


def _said(answer: Answer) -> str:
    """The status and the server's own words, short; JSON APIs say them under `message`, `error` or `errors`, or, as
    RFC 9457 has it, under `detail` or `title`."""
    try:
        said = table(json.loads(answer.body))
    except (ValueError, RecursionError):
        said = {}
    each = said.get("errors")
    first = table(each[0]) if isinstance(each, list) and each else {}
    told = (said.get(name) for name in ("message", "error_description", "error"))
    reason = next(filter(None, map(words, (*told, first.get("message"), said.get("detail"), said.get("title")))), "")
    return f"{answer.status}: {reason[:160]}" if reason else str(answer.status)
