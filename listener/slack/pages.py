"""What a command answers, as blocks: hits of a search, cases, a digest. Pure.

The text beside the blocks tells all of it, for who does not see them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from escalation.case import Case
from escalation.clean import clean, cut, escape_mrkdwn, line, visible
from escalation.slack import charts, parts
from escalation.slack.blocks import LONGEST_TEXT, Message
from escalation.slack.home import Waiting, waiting
from escalation.slack.parts import Block, button, date_token, fact, plain, row, table, web_address
from listener.digest import Digest, Owed, as_text
from listener.durations import spoken
from listener.storage.contract import MentionRow, SavedSearch

HITS = 10  # on one page
SAVED = 20  # searches
LISTED = 12  # cases
LONGEST_NARROWED = 400
LONGEST_QUERY = 1_500  # characters; a button carries it to the next page
LONGEST_VALUE = 2_000  # of a button
FILTERS = {
    "Complaints only": "verdict:complaint",
    "Praise only": "verdict:praise",
    "The severe": "severity>=60",
    "Last 7 days": "since:7d",
}
COLUMNS = ("posted", "brand", "verdict", "severity", "where", "case")


def hits(query: str, rows: Sequence[MentionRow], *, more: bool) -> Message:
    """One page of a search, for one person's eyes."""
    if not rows:
        return note(f"Nothing was found for {query}" if query else "There is no mention yet.")
    blocks = [parts.heading(cut(f"Mentions: {line(query, 120) or 'all'}", 150)), *map(_hit, rows)]
    turn = [button("find_more", state(query, rows[-1].id), "Next page", main=True)] if more else []
    send = button("find_send", state(query, None), "Send as table to this channel")
    keep = [button("find_keep", state(query, None), "Save…")] if query else []
    blocks.append(row([*turn, send, *keep]))
    if narrower := list(_narrower(query)):
        blocks.append(row(narrower))
    return Message(_text("\n".join(map(_told, rows))), tuple(blocks))


def in_window(page: Message) -> Block:
    """The same in a window, which belongs to no channel that could be told of it."""
    blocks = [_without_channel(block) for block in page.blocks]
    shown = [block for block in blocks if block["type"] != "actions" or block["elements"]]
    return {"type": "modal", "title": plain("Mentions"), "close": plain("Close"), "blocks": shown}


def _without_channel(block: Block) -> Block:
    if block["type"] != "actions":
        return block
    return row([one for one in block["elements"] if one["action_id"] not in ("find_send", "find_keep")])


def _narrower(query: str) -> Iterable[Block]:
    """The same search of less, one press each; what it asks for already is not offered, nor anything of a long one:
    each button carries all of it, and Slack counts the blocks of a message together."""
    if len(query) > LONGEST_NARROWED:
        return
    for place, (label, narrow) in enumerate(FILTERS.items()):
        asked = f"({query}) {narrow}" if query else narrow
        if narrow.partition(":")[0].partition(">")[0] not in query and fits(asked):
            yield button(f"find_only_{place}", state(asked, None), label)


def saved(found: Mapping[SavedSearch, bool]) -> Message:
    """Each with its buttons; the value says whether this channel hears of what it newly finds."""
    if not found:
        return note("No search is saved yet. Search, and press Save.")
    shown = dict(islice(found.items(), SAVED))
    blocks = [parts.heading(f"Saved searches ({len(found)})")]
    for one, here in shown.items():
        told = "; this channel hears of what is new" if here else ""
        blocks.append(parts.said(f"{line(one.name, 80)}: {line(one.query, 200)} ({line(one.by, 80)}{told})"))
        drop = button("find_forget", str(one.id), "Stop telling this channel" if here else "Forget it")
        blocks.append(row([button("find_again", str(one.id), "Search"), drop]))
    return Message(_text("\n".join(f"{one.name}: {one.query}" for one in shown)), tuple(blocks))


def _hit(found: MentionRow) -> Block:
    quoted = cut(clean(f"{found.title}\n{found.text}"), 300) or "(the post was deleted)"
    shown = parts.said(cut(f"{_judged(found)}\n{quoted}", 600))
    shown |= {"fields": [{"type": "mrkdwn", "text": date_token(found.created or found.heard), "verbatim": True}]}
    shown["fields"].append(parts.plain(line(f"{found.author or 'somebody'}, {found.source}", 150)))
    if found.case:
        return {**shown, "accessory": button("case_show", str(found.case), f"Case {found.case}")}
    if link := web_address(found.url):
        return {**shown, "accessory": {**button("case_open", str(found.id), "Open post"), "url": link}}
    return shown


def _judged(found: MentionRow) -> str:
    return line(f"{found.brand}: {found.verdict} {found.severity} {found.priority}", 120)


def _told(found: MentionRow) -> str:
    where = f"case {found.case}" if found.case else found.source
    return f"{_judged(found)} ({where}): {line(found.title or found.text, 120)}"


def state(query: str, before: int | None) -> str:
    """What a button remembers of a search."""
    return json.dumps({"q": query, "b": before}, ensure_ascii=False)


def fits(query: str) -> bool:
    return len(query) <= LONGEST_QUERY and len(state(query, 1 << 62)) <= LONGEST_VALUE


def remembered(value: str) -> tuple[str, int | None]:
    """Of `state`; nothing for what is not one."""
    try:
        found = json.loads(value)
        return str(found["q"]), None if found["b"] is None else int(found["b"])
    except (ValueError, TypeError, KeyError):
        return "", None


def carried(value: str) -> tuple[str, str]:
    """(query, channel) of the form that saves a search."""
    try:
        found = json.loads(value)
        return str(found["q"]), str(found["c"])
    except (ValueError, TypeError, KeyError):
        return "", ""


def as_table(query: str, rows: Sequence[MentionRow], by: str) -> Message:
    """For a channel: judgements and places, and nothing of what was said or who said it, since a table in a channel
    would outlive the post it quotes."""
    cells = [
        (f"{r.created or r.heard:%Y-%m-%d %H:%M}", r.brand, r.verdict, str(r.severity), r.source, str(r.case or ""))
        for r in rows
    ]
    shown = table(COLUMNS, cells)
    first = len(shown["rows"]) - 1
    asked = f"{line(by, 80)} searched for {line(query, 300) or 'everything'}"
    said = f"{asked}: {len(rows)} mentions, newest first{f', {first} of them here' if first < len(rows) else ''}."
    told = "\n".join([said, *(", ".join(filter(None, cell)) for cell in cells)])
    return Message(_text(told), (parts.said(said), shown))


def listed(title: str, cases: Sequence[Waiting], total: int) -> Message:
    """The first of `total` cases."""
    if not cases:
        return note(f"{title}: none.")
    blocks = [parts.heading(f"{title} ({total})"), *map(waiting, cases)]
    if left := total - len(cases):
        blocks.append(parts.context(f"and {left} more"))
    told = [f"case {case.id}, {case.priority}, {case.about}, {case.owner}, {case.state}" for case in cases]
    return Message(_text("\n".join([f"{title}:", *told])), tuple(blocks))


def _text(text: str) -> str:
    """What is read aloud, and shown where blocks are not."""
    return escape_mrkdwn(clean(text), LONGEST_TEXT) or "-"


def note(text: str) -> Message:
    """Calm words; line breaks stay."""
    said = cut(clean(text), 2_900) or "-"
    return Message(_text(said), (parts.said(said),))


def wrong(text: str) -> Message:
    """A mistake in a query, with a mark under its column."""
    shown = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": cut(visible(text), 2_900) or "-"}]}
    return Message(_text(text), ({"type": "rich_text", "elements": [shown]},))


def digest(told: Digest, head: str = "", link: str = "") -> Message:
    """The executive digest; `text` has the whole story. `head` is said before it, `link` leads to its page."""
    above = [parts.said(head)] if head else []
    return Message(_text(f"{head} {as_text(told)}".strip()), (*above, *_digest(told), *_way(link)))


def brief(case: Case, lines: Sequence[str], head: str, counts: Mapping[str, int], link: str = "") -> Message:
    """A case on one page, for who must decide; `counts` are the customers of an incident, by priority."""
    rows = [parts.said(line(one, 640)) for one in lines[1:9]]
    drawn = [charts.pie("Customers in it, by urgency", counts)] if any(counts.values()) else []
    show = button("case_show", str(case.id), "Open the case", main=True)
    blocks = (parts.said(head), parts.heading(lines[0]), *rows, *drawn, row([show, *_links(link)]))
    counted = ", ".join(f"{count} {priority}" for priority, count in counts.items() if count)
    return Message(_text(" ".join([head, *lines, f"Customers by urgency: {counted}." if counted else ""])), blocks)


def _way(link: str) -> list[Block]:
    return [row(found)] if (found := _links(link)) else []


def _links(link: str) -> list[Block]:
    address = web_address(link)
    return [{**button("case_open", "0", "Read it on the desk"), "url": address}] if address else []


def _digest(told: Digest) -> Iterable[Block]:
    yield parts.heading(f"{told.since:%d %b} to {told.until:%d %b %Y}")
    yield parts.said(_summary(told))
    yield {"type": "section", "fields": list(_figures(told))}
    if any(any(one.values()) for one in told.verdicts.values()):
        yield charts.bars("What was said, by brand", told.verdicts)
    if any(told.causes.values()):
        yield charts.pie("What new cases are about", told.causes)
    if told.open:
        yield parts.heading("What is owed")
        yield from (waiting(_waiting(owed)) for owed in told.open)
    if told.promises:
        yield parts.heading("Promises")
        rows = [(name, str(one.kept), str(one.moved), str(one.missed)) for name, one in told.promises.items()]
        rows += [(f"team {name}", str(one.kept), str(one.moved), str(one.missed)) for name, one in told.teams.items()]
        yield table(("owner", "kept", "moved", "missed"), rows, 2_500)
    yield parts.context(cut(_heard(told), 2_900))


def _summary(told: Digest) -> str:
    missed = sum(one.missed for one in told.promises.values())
    count = {verdict: sum(one.get(verdict, 0) for one in told.verdicts.values()) for verdict in ("complaint", "praise")}
    heard = f"Heard: {_several(count['complaint'], 'complaint')} and {_several(count['praise'], 'word')} of praise."
    owed = f"Cases: {told.opened} opened, {told.closed} ended; {told.open_total} open, {told.late} overdue."
    names = ", ".join(line(name, 80) for name, one in told.promises.items() if one.missed)
    broken = f"{_several(missed, 'promise')} missed: {names}." if missed else ""
    return cut(f"{heard} {owed} {broken}", 2_900).strip()


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _figures(told: Digest) -> Iterable[Block]:
    for brand, verdicts in list(told.verdicts.items())[:6]:
        counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        yield fact(escape_mrkdwn(line(brand, 60), 300), escape_mrkdwn(line(counted, 400), 500))
    spans = {"acknowledged": told.to_acknowledge, "first public answer": told.to_answer, "reported": told.to_report}
    for name, span in spans.items():
        yield fact(f"Median until {name}", spoken(span) if span is not None else "none yet")


def _waiting(owed: Owed) -> Waiting:
    about = f"{owed.brand}: {owed.title}"
    return Waiting(id=owed.id, about=about, priority=owed.priority, owner=owed.owner, state=owed.status, due=owed.due)


def _heard(told: Digest) -> str:
    if not told.deaf and not told.silent:
        return "Everything that is listened to was heard."
    deaf = {f"{span.source} ({span.hearing})" for span in told.deaf} | set(told.silent)
    return f"Not everything could be heard: {', '.join(line(source, 100) for source in sorted(deaf))}."
