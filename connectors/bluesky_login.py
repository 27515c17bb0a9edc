"""A session with Bluesky. Opening one is allowed 300 times a day, so it is kept in memory and renewed.

https://docs.bsky.app/docs/api/com-atproto-server-create-session
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from connectors.api import address, document, table, words
from connectors.contract import Broken, Fix
from connectors.http import Answer, Web

ACCESS = "check BLUESKY_HANDLE and BLUESKY_APP_PASSWORD (Settings > Privacy and security > App passwords)"
PATIENCE = timedelta(hours=1)  # before a login that was refused is tried again


class Login:
    """Nothing is lost with it but the right to go on asking."""

    def __init__(self, api_url: str, handle: str, password: str, web: Web):
        self._api_url = api_url
        self._who = {"identifier": handle.lstrip("@"), "password": password}
        self._web = web
        self._access = ""
        self._refresh = ""
        self._refused: tuple[datetime, str] | None = None

    async def get(self, path: str, asked: Iterable[tuple[str, Any]], now: datetime) -> Answer:
        """Any answer, after logging in where that is needed. Raises ConnectorError."""
        if not self._access:
            await self._open(now)
        url = address(self._api_url, f"xrpc/{path}", asked)
        answer = await self._web.try_get(url, headers=_bearer(self._access))
        if _expired(answer):
            await self._renew(now)
            answer = await self._web.try_get(url, headers=_bearer(self._access))
        return answer

    async def _renew(self, now: datetime) -> None:
        answer = await self._post("refreshSession", headers=_bearer(self._refresh))
        if answer.status in (400, 401):
            await self._open(now)
        else:
            self._keep(answer, now)

    async def _open(self, now: datetime) -> None:
        """A refusal is remembered: asking again and again would use up the day's logins."""
        self._access = ""
        if self._refused and now < self._refused[0]:
            raise Fix(self._refused[1])
        try:
            self._keep(await self._post("createSession", json=self._who), now)
        except Fix as error:
            self._refused = (now + PATIENCE, str(error))
            raise

    async def _post(self, name: str, **sent: Any) -> Answer:
        return await self._web.post(address(self._api_url, f"xrpc/com.atproto.server.{name}"), **sent)

    def _keep(self, answer: Answer, now: datetime) -> None:
        session = table(document(answer, now, access=ACCESS))
        access, refresh = words(session.get("accessJwt")), words(session.get("refreshJwt"))
        if not access or not refresh:
            raise Broken("Bluesky answered a login without a session; its shape has changed")
        self._access, self._refresh, self._refused = access, refresh, None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _expired(answer: Answer) -> bool:
    """An expired token is a 400 by its own name, not a 401."""
    if answer.status == 401:
        return True
    try:
        return answer.status == 400 and table(json.loads(answer.body)).get("error") in ("ExpiredToken", "InvalidToken")
    except (ValueError, RecursionError):
        return False
