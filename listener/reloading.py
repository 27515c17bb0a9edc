"""The configuration is read again while we are at work: on SIGHUP, and when its files have changed.

What is under way is finished, then the house is built anew from what was read, in the same process: sources, queries,
people, policies, rules, channels. A page is kept together with its cursor, so nothing is lost or doubled by that; an
open case keeps the policy that was frozen into it. With a mistake in it nothing changes, and people are told.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from zlib import crc32

from escalation.notices import HOUSE, Kind, Notice
from listener.cycle import House
from listener.running import ROLES, run
from listener.settings import Settings
from listener.storage.contract import StoreError
from listener.tables import ConfigError, Problem

log = logging.getLogger("listener")

PACE = 2.0  # seconds between two looks at the files
TOLD = 10  # mistakes in one notice; `listener doctor` names all


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to begin again."""

    read: Callable[[], Settings]  # raises ConfigError
    build: Callable[[Settings], AbstractAsyncContextManager[House]]  # raises ConfigError, StoreError
    directory: Path
    stop: asyncio.Event
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # somebody wants it read again now
    roles: Collection[str] = ROLES


@dataclass(frozen=True, slots=True)
class Edition:
    """What was read, and the fingerprint of the files just before: what is written meanwhile is another edition."""

    settings: Settings
    files: str


async def live(plan: Plan) -> None:
    """Until we are asked to stop, one house after the other. Raises ConfigError, StoreError at the first."""
    edition = Edition(files=fingerprint(plan.directory), settings=plan.read())
    before, refused = edition, ""
    while not plan.stop.is_set():
        try:
            async with plan.build(edition.settings) as house:
                if refused:
                    await _say(house, refused)
                before, refused = edition, ""
                edition = await _one_life(plan, house, edition)
        except (ConfigError, StoreError) as wrong:
            if edition.settings is before.settings:
                raise
            log.error("the changed configuration could not be taken on: %s", wrong)
            edition, refused = Edition(before.settings, edition.files), str(wrong)


async def _one_life(plan: Plan, house: House, edition: Edition) -> Edition:
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(house, over, plan.roles))
        next_one = tasks.create_task(_until_changed(plan, house, edition, over))
    return next_one.result()


async def _until_changed(plan: Plan, house: House, edition: Edition, over: asyncio.Event) -> Edition:
    """The next edition; the same one when we are asked to stop."""
    known = seen = edition.files
    while not plan.stop.is_set():
        await _pause(plan)
        wanted = plan.asked.is_set()
        plan.asked.clear()
        now = await asyncio.to_thread(fingerprint, plan.directory)
        settled, seen = now == seen, now  # an editor may still be writing
        if not plan.stop.is_set() and (wanted or (settled and now != known)):
            known = now
            if (read := await _read(plan, house, edition.settings)) is not None:
                edition = Edition(read, now)
                break
    over.set()
    return edition


async def _read(plan: Plan, house: House, settings: Settings) -> Settings | None:
    try:
        read = await asyncio.to_thread(plan.read)
        if read.database != settings.database:
            raise ConfigError([Problem("listener.toml", "database", "cannot change while we are at work; restart")])
    except ConfigError as wrong:
        log.error("the changed configuration has mistakes, and the one before stays in force: %s", wrong)
        await _say(house, str(wrong))
        return None
    log.info("the configuration was read again: %s", difference(settings, read))
    return read


async def _say(house: House, wrong: str) -> None:
    try:
        await house.store.owe(mistakes(wrong, house.clock()), house.clock())
    except StoreError:  # it is in the log
        log.exception("people could not be told of it")


def mistakes(wrong: str, now: datetime) -> Notice:
    """Said once a day, whichever process finds them. Pure."""
    lines = wrong.splitlines()
    more = [f"and {len(lines) - TOLD} more: `listener doctor` names all"] if len(lines) > TOLD else []
    text = "The changed configuration has mistakes; the one before stays in force.\n"
    seq = crc32(f"{now:%Y-%m-%d} {wrong}".encode())
    return Notice(case=HOUSE, seq=seq, kind=Kind.HOUSE, to="configuration", text=text + "\n".join(lines[:TOLD] + more))


def difference(before: Settings, after: Settings) -> str:
    """In a line, for the log: no value of it, for some are secrets. Pure."""
    told = []
    for what in ("sources", "brands", "people"):
        old, new = ({each.name: each for each in getattr(one, what)} for one in (before, after))
        added, gone = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
        changed = sorted(name for name in new.keys() & old.keys() if new[name] != old[name])
        told += [f"{what} {word}: {', '.join(names)}" for word, names in _words(added, gone, changed) if names]
    also = [one.name for one in fields(after) if one.name not in NAMED and _differ(before, after, one.name)]
    return "; ".join([*told, *([f"also changed: {', '.join(also)}"] if also else [])]) or "nothing has changed"


NAMED = frozenset({"directory", "database", "sources", "brands", "people"})  # a word of each is said elsewhere


def _differ(before: Settings, after: Settings, what: str) -> bool:
    return bool(getattr(before, what) != getattr(after, what))


def _words(added: list[str], gone: list[str], changed: list[str]) -> tuple[tuple[str, list[str]], ...]:
    return ("added", added), ("gone", gone), ("changed", changed)


def fingerprint(directory: Path) -> str:
    """Of all that is read there; a file that cannot be read is another content."""
    sum_ = hashlib.blake2b(digest_size=16)
    for path in sorted(directory.glob("*.toml")):
        try:
            sum_.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        except OSError as error:
            sum_.update(str(error.errno).encode())
    return sum_.hexdigest()


async def _pause(plan: Plan) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in (plan.stop, plan.asked)]
    await asyncio.wait(waiting, timeout=PACE, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
