"""Two people must not answer one customer in two voices: who takes a case is told who deals with that customer already.

A whisper to that person alone; it holds nobody up.
"""

from escalation.case import Case
from escalation.clean import line
from listener.storage.contract import Store


async def whisper(store: Store, case: Case, by: str) -> str:
    """ "" when nobody else has a case of this account under way, of whatever brand."""
    if not case.subject.customer:
        return ""
    others = [row for row in await store.under_way(case.subject.customer) if row.id != case.id and row.owner != by]
    if not others:
        return ""
    named = "; ".join(f"{line(row.owner, 80)} in case {row.id} ({line(row.brand, 60)})" for row in others[:5])
    return f"This customer is being answered already: {named}. Agree on who writes, so that they hear one voice."
