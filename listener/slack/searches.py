"""Searches that are kept, as on the web desk: saved, told to a channel of what they newly find, dropped."""

from collections.abc import Mapping

from escalation.clean import line
from escalation.commands import Refused
from escalation.slack.forms import LONGEST_NAME, TELL
from listener.slack.office import Office
from listener.storage.contract import SavedSearch, Way


async def kept(office: Office, channel: str) -> Mapping[SavedSearch, bool]:
    """By name; does this channel hear of what they newly find?"""
    told = {one.search.id for one in await office.store.subscriptions() if _tells(one.way, one.to, channel)}
    return {search: search.id in told for search in await office.store.searches()}


async def query(office: Office, search: int) -> str:
    """Raises Refused."""
    found = next((one.query for one in await office.store.searches() if one.id == search), "")
    if not found:
        raise Refused("There is no such saved search any more.")
    return found


async def save(office: Office, by: str, channel: str, text: str, given: Mapping[str, str]) -> str:
    """What to say to who saved it. Raises Refused."""
    name, now = line(given.get("name", ""), LONGEST_NAME), office.clock()
    if not name:
        raise Refused("Give the search a name.")
    search = await office.store.save_search(name, text, by, now)
    if given.get("tell") != TELL:
        return f"“{name}” is saved: /mentions saved lists it, and so does the desk."
    await office.store.subscribe(search, Way.CHANNEL, channel, by, now)
    return f"“{name}” is saved. This channel hears of what is new, every ten minutes at most."


async def forget(office: Office, search: int, channel: str) -> None:
    """This channel hears no more of it; one that nobody hears of goes altogether."""
    told = [one for one in await office.store.subscriptions() if one.search.id == search]
    here = [one for one in told if _tells(one.way, one.to, channel)]
    for one in here:
        await office.store.unsubscribe(one.id)
    if not told:
        await office.store.drop_search(search)
    elif not here:
        raise Refused("Somebody else is told of what it finds; the desk shows who, and can drop it.")


def _tells(way: Way, to: str, channel: str) -> bool:
    return way is Way.CHANNEL and to == channel
