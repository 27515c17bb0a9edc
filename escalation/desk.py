"""Where people's requests and the clock become events: read, decide, append. The rules are in decide.py and case.py."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from escalation.case import Case, replay
from escalation.clock import answered_with, overdue
from escalation.commands import Command, Refused
from escalation.decide import decide
from escalation.events import Event
from escalation.ledger import Again, Conflict, Ledger, Unreadable
from escalation.notices import unchecked, unreadable
from escalation.trace import trace_id

log = logging.getLogger("listener")

READ_AGAIN = timedelta(hours=1)  # what cannot be read
_incident = itemgetter(1)
PATIENCE = 20  # times somebody else may be quicker before we believe that something is wrong


@dataclass(frozen=True, slots=True)
class Desk:
    ledger: Ledger

    async def case(self, case_id: int) -> Case:
        """Raises UnknownCase."""
        return replay(await self.ledger.timeline(case_id))

    async def handle(self, case_id: int, command: Command, at: datetime, once: str = "") -> Case:
        """Two at once: the slower is decided again on what the quicker left. `once` names a request that may be brought
        several times, to several processes: it is done once, and nobody is refused for it. Raises Refused, UnknownCase.
        """
        for _ in range(PATIENCE):
            case = await self.case(case_id)
            try:
                return await self._append(case, decide(case, command, at), once)
            except Conflict:
                continue
            except Again:
                return await self.case(case_id)
            except Refused:
                if once and await self.ledger.made(once):
                    return case
                raise
        raise Conflict(f"case {case_id} is being changed without a pause; try again")

    async def look(self, now: datetime, limit: int = 500) -> int:
        """One step for every case whose deadline has passed; says how many there were."""
        late = await self.ledger.take_due(now, limit)
        away = await self.ledger.away(now) if late else frozenset[str]()
        waiting = set[int]()
        for case_id in late:
            try:
                waiting.add(await self._step(case_id, now, away))
            except Unreadable as why:  # it must not stand in the way of the others
                await self.ledger.owe(unreadable(case_id, str(why), now), now)
                await self.ledger.set_aside(case_id, now + READ_AGAIN)
        for incident in waiting - {0}:
            await self._unchecked(incident, now)
        behind = await self.ledger.unanswered(limit)
        for incident, customers in groupby(sorted(behind, key=_incident), key=_incident):
            await self._answer(incident, [case_id for case_id, _ in customers], now)
        return len(late)

    async def _step(self, case_id: int, now: datetime, away: frozenset[str]) -> int:
        """The incident for which this customer waits; 0 when they do not."""
        case = await self.case(case_id)
        try:
            await self._append(case, overdue(case, now, away))
        except Conflict:
            return 0  # somebody acted this very moment; the next look sees what is left
        return case.within if case.spoken_for else 0

    async def _unchecked(self, incident: int, now: datetime) -> None:
        with suppress(Unreadable):
            for notice in unchecked(await self.case(incident), now):
                await self.ledger.owe(notice, now)

    async def _answer(self, incident: int, customers: list[int], now: datetime) -> None:
        with suppress(Unreadable):
            speaks = await self.case(incident)
            for case_id in customers:
                with suppress(Conflict, Unreadable):  # somebody took it up this very moment
                    case = await self.case(case_id)
                    await self._append(case, answered_with(case, speaks, now))

    async def _append(self, case: Case, new: tuple[Event, ...], once: str = "") -> Case:
        if not new:
            return case
        changed = await self.ledger.append(case, new, once)
        for event in new:
            facts = {"trace": trace_id(case.subject.post), "step": type(event).__name__, "case": case.id}
            log.info("case %d: %s", case.id, type(event).__name__, extra={"facts": facts})
        return changed
