"""Who may be asked: everybody outside, and of what lies inside only what was opened by name.

An address is judged three times: as it is written, as it resolves, and at the socket that is about to connect. So
neither a redirect, nor a name that changes its mind, nor digits in another script lead inside.
"""

import asyncio
import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from connectors.contract import Fix

_UNICAST = IPv6Network("2000::/3")  # RFC 4291, 2.4: all else in IPv6 is reserved, local, or IPv4 in disguise
_RELAYS = (0xC0586300, 0xFFFFFF00)  # 192.88.99.0/24, which led from IPv4 into IPv6 (RFC 7526)


class Private(OSError):
    """An address inside, which nobody opened."""


class Guard(AbstractResolver):
    """Lets only public addresses through, but for the hosts that were opened: "blog.intranet", "127.0.0.1:8080"."""

    def __init__(self, opened: frozenset[str]):
        self._opened = opened
        self._let_in: set[tuple[str, int]] = set()  # addresses and ports of what was opened

    def check(self, url: str) -> URL:
        """The address as the client reads it, so that nobody reads it otherwise. Raises Fix."""
        try:
            read = URL(url)
            host, port = read.raw_host or "", read.port or 0
        except ValueError:
            raise Fix("this is not an address; write it with http:// or https://") from None
        if read.scheme not in ("http", "https") or not host:
            raise Fix(f"{read.scheme[:20]}: only http:// and https:// are read")
        if (literal := _address(host)) and not self._allows(host, port, literal):
            raise Fix(_refused(host))
        return read

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        results: list[ResolveResult] = []
        for kind, _, proto, _, address in found:
            literal = _address(str(address[0]))
            if literal and self._allows(host, port, literal):
                results.append(_result(host, str(address[0]), port, kind, proto))
        if not results:
            raise Private(_refused(host))
        return results

    def socket(self, about: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """For a connection to this address. Raises Private."""
        family, kind, proto, _, (host, port, *_) = about
        literal = _address(str(host))
        if literal is None or not (public(literal) or (str(literal), port) in self._let_in):
            raise Private(_refused(str(host)))
        return socket.socket(family=family, type=kind, proto=proto)

    async def close(self) -> None: ...

    def _allows(self, host: str, port: int, literal: IPv4Address | IPv6Address) -> bool:
        if public(literal):
            return True
        opened = host.lower() in self._opened or f"{host.lower()}:{port}" in self._opened
        if opened:
            self._let_in.add((str(literal), port))
        return opened


def _result(host: str, address: str, port: int, family: int, proto: int) -> ResolveResult:
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=proto, flags=socket.AI_NUMERICHOST
    )


@lru_cache(maxsize=4096)
def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def public(address: IPv4Address | IPv6Address) -> bool:
    """Reachable by everybody; what is mapped or tunnelled into IPv6 is judged by what it carries. Pure."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and int(address) & _RELAYS[1] != _RELAYS[0]
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if inner is not None:
        return public(inner)
    if int(address) >> 32 == 0x64FF9B << 64:  # NAT64, RFC 6052
        return public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _UNICAST and address.is_global


def _refused(host: str) -> str:
    return (
        f"{host}: is a private address and is not read; if it is yours, open it with allow_private = "
        f'["{host}"] under [http] in listener.toml'
    )
