"""The Home tab: gathered from the memory when it is opened, and again after its owner did something."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.errors import SlackApiError

from escalation import wording
from escalation.case import Case
from escalation.commands import Refused
from escalation.policy import Policy
from escalation.slack import actions, errors, forms
from escalation.slack.home import Home, Numbers, Waiting, page, stranger
from escalation.slack.places import parted
from listener.digest import Promises, compose
from listener.ladders import ladders
from listener.slack import raising
from listener.slack.clicks import Ack, Body, opened, tell
from listener.slack.office import Office
from listener.storage.contract import CaseRow
from listener.web.access import Act

SEEN = timedelta(hours=1)  # whose page is drawn again after they did something
COUNTED = timedelta(days=7)  # promises
FRESH = timedelta(minutes=5)  # how old the counts may be
READ = 5_000  # open cases
VIEWERS = 1_000


class HomeTab:
    def __init__(self, office: Office):
        self._office = office
        self._seen: OrderedDict[str, datetime] = OrderedDict()
        self._counted: tuple[datetime, Mapping[str, Promises]] | None = None

    async def opened(self, event: Body, body: Body) -> None:
        """https://docs.slack.dev/reference/events/app_home_opened"""
        if actions.words(event, "tab") == "home" and actions.words(event, "user"):
            with self._office.known():
                user, no = self._office.who(body), await self._office.refusal(body)
                await (self._publish(user, stranger(no)) if no else self._draw(user))

    async def refresh(self, user: str) -> None:
        """Only for who has looked at it lately."""
        if user in self._seen and self._office.clock() - self._seen[user] <= SEEN:
            await self._draw(user)

    async def pressed(self, ack: Ack, body: Body) -> None:
        await ack()
        user, name = self._office.who(body), actions.words(body, "actions", 0, "action_id")
        with self._office.known():
            act = Act.WORK if name == "home_raise" else Act.LOOK
            no = await self._office.refusal(body, act)
            try:
                await (tell(self._office, body, no) if no else self._act(name, user, body))
            except Refused as why:
                await tell(self._office, body, str(why.args[0]))

    async def _act(self, name: str, user: str, body: Body) -> None:
        if name == "home_away":
            await opened(self._office, body, forms.away(self._office.clock()))
        elif name == "home_raise":
            await opened(self._office, body, await raising.form(self._office, body))
        else:
            if name == "home_back":
                await self._office.store.set_away(self._office.guests.name(user), None)
            await self._draw(user)

    async def _draw(self, user: str) -> None:
        now = self._office.clock()
        self._seen[user] = now
        self._seen.move_to_end(user)
        if len(self._seen) > VIEWERS:
            self._seen.popitem(last=False)
        await self._publish(user, page(await self.gathered(self._office.guests.name(user)), now))

    async def _publish(self, user: str, view: dict[str, Any]) -> None:
        """A page that does not arrive is drawn again when it is opened."""
        with suppress(SlackApiError, *errors.UNREACHABLE):
            team, id_ = parted(user)
            await (await self._office.lines(team)).views_publish(user_id=id_, view=view)

    async def gathered(self, name: str) -> Home:
        office, now = self._office, self._office.clock()
        rows = await _open_cases(office)
        own = [await office.desk.case(row.id) for row in rows if row.owner == name and not row.within]
        offered = [await office.desk.case(row.id) for row in rows if name in row.offered]
        overdue = [case for case in own if wording.overdue(case, now)]
        today = [case for case in own if case not in overdue and _today(case, name, now)]
        promises = await self._promises(now)
        return Home(
            name=name,
            overdue=[waiting(case, now) for case in overdue],
            today=[waiting(case, now) for case in today],
            mine=[waiting(case, now) for case in own if case not in overdue and case not in today],
            offered=[waiting(case, now) for case in offered],
            unclaimed=[_row(row) for row in rows if _unclaimed(row, name, my_brands(office, name))],
            on_duty=await on_duty(office, now),
            away=(await office.store.absences(now)).get(name),
            numbers=_numbers(name, promises, rows),
            team={each: _numbers(each, promises, rows) for each in team(office, name, now)},
        )

    async def _promises(self, now: datetime) -> Mapping[str, Promises]:
        if self._counted is None or now - self._counted[0] > FRESH:
            self._counted = (now, (await compose(self._office.store, now - COUNTED, now)).promises)
        return self._counted[1]


async def _open_cases(office: Office) -> list[CaseRow]:
    """Most urgent first."""
    rows: list[CaseRow] = []
    async for row in office.store.cases():
        rows.append(row)
        if len(rows) == READ:
            break
    return rows


def _today(case: Case, name: str, now: datetime) -> bool:
    """Due before this person's midnight."""
    person, due = case.policy.person(name), wording.deadline(case)
    zone = ZoneInfo(person.timezone if person else "UTC")
    return due is not None and due[1].astimezone(zone).date() <= now.astimezone(zone).date()


def _unclaimed(row: CaseRow, name: str, brands: Iterable[str]) -> bool:
    return row.status == "open" and row.owner != name and row.brand in brands and not row.within


def waiting(case: Case, now: datetime) -> Waiting:
    due, subject = wording.deadline(case), case.subject
    return Waiting(
        id=case.id,
        about=f"{subject.brand}: {subject.title or subject.text[:200]}",
        priority=subject.priority,
        owner=case.owner,
        state=wording.state(case, now),
        due=due[1] if due else None,
    )


def _row(row: CaseRow) -> Waiting:
    about = f"{row.brand}: {row.title}"
    return Waiting(id=row.id, about=about, priority=row.priority, owner=row.owner, state=row.status, due=row.due)


def _numbers(name: str, promises: Mapping[str, Promises], rows: Iterable[CaseRow]) -> Numbers:
    told = promises.get(name, Promises())
    held = sum(row.owner == name and not row.within for row in rows)
    return Numbers(kept=told.kept, moved=told.moved, missed=told.missed, open=held)


def _policies(office: Office, brand: str) -> Mapping[str, Policy]:
    """priority -> policy."""
    policy = next(each.policy for each in office.settings.brands if each.name == brand)
    return office.settings.policies[policy]


def my_brands(office: Office, name: str) -> frozenset[str]:
    """Those on one of whose ladders this person stands."""
    brands = (brand.name for brand in office.settings.brands)
    return frozenset(brand for brand in brands if any(p.person(name) for p in _policies(office, brand).values()))


def team(office: Office, name: str, now: datetime) -> tuple[str, ...]:
    """The others of every ladder whose last this person is; empty for who leads none."""
    ladders = [p for brand in office.settings.brands for p in _policies(office, brand.name).values()]
    led = [person.name for policy in ladders if policy.lead(now) == name for person in policy.people]
    return tuple(dict.fromkeys(each for each in led if each != name))


async def on_duty(office: Office, now: datetime) -> dict[str, str]:
    """brand -> who would be told first of the most urgent matter, and why."""
    found = ladders(office.settings, now, await office.store.away(now))
    return {one.brand: f"{one.told}, {one.why}" for one in found if not one.route}
