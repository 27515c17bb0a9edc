"""Nothing inside is asked, however it is written, wherever it is named, and whoever sends us there."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from webserver import Server

from connectors.contract import ConnectorError, Fix
from connectors.guard import Guard, Private, public
from connectors.http import Web

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1",
     "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1", "2001:db8::1", "192.88.99.1", "240.0.0.1", "4000::1"],
)  # fmt: skip
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_outside_are(address: str) -> None:
    assert public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
    ],
)
async def test_nothing_inside_is_read_however_it_is_written(server: Server, host: str) -> None:
    server.answers["/"] = b"secret"
    port = server.host.partition(":")[2]
    visitor = Web("test")
    with pytest.raises(ConnectorError):
        await visitor.get(f"http://{host}:{port}/", now=NOW)
    await visitor.aclose()
    assert server.asked == []


async def test_a_redirect_does_not_lead_inside(server: Server) -> None:
    inside = server.address.replace("127.0.0.1", "localhost")
    server.answers["/out"] = (302, {"Location": f"{inside}/secret"}, b"")
    server.answers["/secret"] = b"secret"
    visitor = Web("test", frozenset({server.host}))
    with pytest.raises(Fix, match="private address"):
        await visitor.get(f"{server.address}/out", now=NOW)
    await visitor.aclose()
    assert server.paths() == ["/out"]


@pytest.mark.parametrize("url", ["ws://10.0.0.1/", "wss://localhost/", "ftp://stream.example/", "ws://[bad"])
async def test_a_stream_inside_is_not_listened_to(web_: Web, url: str) -> None:
    with pytest.raises(ConnectorError):
        await web_.listen(url, enough=lambda _: True, patience=5, now=NOW)


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "[::ffff:7f00:1]", "someone@127.0.0.1", "localhost"])
async def test_a_redirect_leads_nowhere_inside_in_whatever_script(server: Server, host: str) -> None:
    async with Server() as inside:
        port = inside.host.partition(":")[2]
        server.answers["/out"] = (302, {"Location": f"http://{host}:{port}/secret"}, b"")
        inside.answers["/secret"] = b"secret"
        visitor = Web("test", frozenset({server.host}))
        with pytest.raises(ConnectorError):
            await visitor.get(f"{server.address}/out", now=NOW)
        await visitor.aclose()
        assert inside.asked == []


async def test_a_stream_is_not_led_inside(server: Server) -> None:
    async def secret(request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        await line.send_str("secret")
        return line

    async with Server() as inside:
        inside.answers["/stream"] = secret
        server.answers["/out"] = (302, {"Location": f"{inside.address}/stream"}, b"")
        visitor, heard = Web("test", frozenset({server.host})), list[str]()
        with pytest.raises(ConnectorError):
            await visitor.listen(f"{server.address}/out", enough=lambda t: bool(heard.append(t)), patience=1, now=NOW)
        await visitor.aclose()
        assert not heard and inside.asked == []


async def test_a_name_that_changes_its_mind_does_not_lead_inside(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It resolves to an address outside when it is looked at, and to one inside when it is connected to."""
    visitor = Web("test")

    async def fooled(guard: Guard, host: str, port: int = 0, family: object = None) -> list[dict[str, object]]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 6, "flags": 4}]

    monkeypatch.setattr(Guard, "resolve", fooled)
    with pytest.raises(Fix, match="private address"):
        await visitor.get(f"http://rebound.example:{server.host.partition(':')[2]}/", now=NOW)
    await visitor.aclose()
    assert server.asked == []


def test_what_was_opened_is_let_in_at_its_port_alone() -> None:
    guard = Guard(frozenset({"127.0.0.1:8080"}))
    with pytest.raises(Private):
        guard.socket((2, 1, 6, "", ("127.0.0.1", 8080)))
    guard.check("http://127.0.0.1:8080/feed")
    guard.socket((2, 1, 6, "", ("127.0.0.1", 8080))).close()
    with pytest.raises(Private):
        guard.socket((2, 1, 6, "", ("127.0.0.1", 5432)))


@given(st.text())
def test_any_address_is_checked_or_refused(url: str) -> None:
    for written in (url, f"http://{url}/", f"http://blog.example/{url}"):
        try:
            Guard(frozenset()).check(written)
        except Fix as refused:
            assert len(str(refused)) > 5
