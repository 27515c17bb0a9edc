"""What the app may enter a workspace with, sealed before it is kept.

Fernet, which is AES-128-CBC with HMAC-SHA256, and MultiFernet for changing keys: https://cryptography.io/en/latest/fernet/
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class Unreadable(Exception):
    """None of the keys opens it, or it was sealed for another workspace."""


class Seal:
    """The first key seals, each opens. The workspace is sealed in, so that a token is good in its own row alone."""

    def __init__(self, keys: Sequence[str]):
        self._keys = tuple(keys)

    def close(self, team: str, what: Mapping[str, Any]) -> str:
        return self._fernet(self._keys).encrypt(json.dumps({"team": team, "what": what}).encode()).decode()

    def open(self, team: str, sealed: str) -> Mapping[str, Any]:
        """Raises Unreadable."""
        from cryptography.fernet import InvalidToken

        try:
            told = json.loads(self._fernet(self._keys).decrypt(sealed.encode()))
        except InvalidToken:
            raise Unreadable("it was sealed with another key") from None
        if told["team"] != team:
            raise Unreadable(f"it was sealed for {told['team']}")
        found: Mapping[str, Any] = told["what"]
        return found

    def newest(self, sealed: str) -> bool:
        """Was it sealed with the first key?"""
        from cryptography.fernet import InvalidToken

        try:
            self._fernet(self._keys[:1]).decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def _fernet(self, keys: Sequence[str]) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet  # who has one workspace needs no such library

        return MultiFernet([Fernet(str(key)) for key in keys])
