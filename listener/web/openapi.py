"""The JSON API described: one table of what can be asked, from which the routes, the document (OpenAPI 3.1,
https://spec.openapis.org/oas/v3.1.0) and the page come. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from listener.storage.contract import Sort
from listener.web.access import CHANGING, Act

BASE = "/api/v1"
LIMIT = 500  # of one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    name: str
    says: str
    of: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`body`: what a POST takes; every value is a text."""

    name: str  # of its handler in api.py
    path: str  # below BASE
    needs: Act
    says: str
    method: str = "GET"
    params: tuple[Param, ...] = ()
    body: tuple[Param, ...] = ()


QUERY = Param(name="q", says="A query, as on the search page: verdict:complaint severity>=60 since:7d")
WHOLE = {"type": "integer", "minimum": 1}
ID = Param(name="id", says="The case", of={"type": "integer"}, needed=True)
SINCE = Param(name="since", says="A duration back (7d) or a time (ISO 8601)")
UNTIL = Param(name="until", says="The same; a past moment gives what was known then")
DUE = Param(name="due", says="By when, ISO 8601")
REASON = Param(name="reason", says="Why, in words", needed=True)

ACTIONS: Mapping[str, tuple[Param, ...]] = {
    "acknowledge": (Param(name="what", says="What is promised; empty: to report back"), DUE),
    "promise": (
        Param(name="what", says="What is promised", needed=True),
        Param(name="due", says="By when, ISO 8601", needed=True),
        Param(name="reason", says="Why it moves, when there is one already"),
    ),
    "handover": (Param(name="to", says="A person or a team", needed=True), Param(name="note", says="What to know")),
    "accept": (),
    "decline": (Param(name="reason", says="Why not"),),
    "report": (
        Param(name="outcome", says="What became of it", needed=True),
        Param(name="done", says="What was done for the customer", needed=True),
        Param(name="remedy", says="What they got, or why nothing", needed=True),
        Param(name="evidence", says="A link or reference that shows it", needed=True),
        Param(name="contacted", says="Where they were answered"),
        Param(name="gave", says="What it cost: refund 80 EUR"),
        Param(name="root_cause", says="The cause"),
        Param(name="follow_up", says="When to check that it helped, ISO 8601"),
    ),
    "follow_up": (Param(name="result", says="What was found", needed=True), Param(name="note", says="In words")),
    "dismiss": (REASON,),
    "undo": (),
    "reopen": (REASON,),
    "note": (Param(name="text", says="For the next reader", needed=True),),
    "verdict": (Param(name="rating", says="Of the severity: worse, right, milder", needed=True),),
    "snooze": (Param(name="until", says="Until when, ISO 8601", needed=True),),
    "ask": (Param(name="text", says="What help is needed with", needed=True),),
    "answered": (Param(name="url", says="Where it can be read"),),
    "statement": (Param(name="text", says="For every customer of an incident", needed=True),),
    "pull": (Param(name="to", says="An executive or a lead, who gets the brief", needed=True),),
    "join": (Param(name="into", says="The case that answers for both", needed=True),),
    "split": (Param(name="post", says="The key of the post", needed=True),),
}

SAYS: Mapping[str, str] = {
    "acknowledge": "Take a case: from now on it is yours",
    "promise": "Promise the customer something, or move a promise",
    "handover": "Offer it to somebody else, who has it once they accept",
    "accept": "Accept a hand-over that was offered to you",
    "decline": "Decline a hand-over that was offered to you",
    "report": "Report back what was done, with an outcome, a remedy and evidence",
    "follow_up": "Say whether it really helped: that closes the case, or opens it again",
    "dismiss": "Say that it is no complaint, and why",
    "undo": "Take a dismissal back, within a day",
    "reopen": "Open an ended case again",
    "note": "Leave a note for the next reader",
    "verdict": "Say whether the severity is right",
    "snooze": "Be reminded later; no promise moves",
    "ask": "Ask the others for help; it stays yours",
    "answered": "Say that the customer was answered in public",
    "statement": "Say what may be said to every customer of an incident",
    "pull": "Pull an executive or a lead in, with the brief",
    "join": "Say that it is the same matter as another case",
    "split": "Say that one of its posts is a matter of its own",
}
RAISED = (
    Param(name="brand", says="Whose customer it is", needed=True),
    Param(name="text", says="What the customer says"),
    Param(name="url", says="Where it can be read"),
    Param(name="author", says="Who said it"),
    Param(name="priority", says="At least this urgent: P1 to P4"),
)

READING = (
    Operation(
        name="mentions", path="/mentions", needs=Act.LOOK, says="Search the mention history",
        params=(
            QUERY,
            Param(name="sort", says="The order", of={"type": "string", "enum": list(Sort)}),
            Param(name="limit", says="How many", of={**WHOLE, "maximum": LIMIT, "default": 50}),
            Param(name="before", says="`next` of the answer before: what comes after it", of=WHOLE),
        ),
    ),
    Operation(
        name="count", path="/mentions/count", needs=Act.LOOK, params=(QUERY,),
        says="How many mentions a search comes to: over time, by brand, verdict, source, cause, priority, severity",
    ),
    Operation(
        name="trends", path="/trends", needs=Act.LOOK,
        says="Brands beside each other, in one time and in another: mentions, share of voice, complaints, severity",
        params=(
            QUERY,
            Param(name="span", says="So long back from now, beside as long before that",
                  of={"type": "string", "enum": ["7d", "30d", "90d", "365d"]}),
            Param(name="since", says="Instead: from this day, or time (ISO 8601)"),
            Param(name="until", says="To the end of this day, or to this time"),
            Param(name="was_since", says="Beside: from this day or time; left out, as long, right before"),
            Param(name="was_until", says="To the end of this day, or to this time"),
        ),
    ),
    Operation(
        name="unusual", path="/trends/unusual", needs=Act.LOOK,
        says="Hours of the last seven days that were louder than usual, and what drives each",
    ),
    Operation(
        name="thread", path="/mentions/{id}/thread", needs=Act.LOOK, says="The thread a mention stands in",
        params=(Param(name="id", says="The mention", of={"type": "integer"}, needed=True),),
    ),
    Operation(name="cases", path="/cases", needs=Act.LOOK, says="Open cases, the most urgent first",
              params=(Param(name="limit", says="How many", of={**WHOLE, "maximum": LIMIT, "default": 50}),)),
    Operation(name="case", path="/cases/{id}", needs=Act.LOOK, says="One case with its timeline", params=(ID,)),
    Operation(name="digest", path="/digest", needs=Act.LEAD, says="The executive digest", params=(SINCE, UNTIL)),
)  # fmt: skip
WORKING = (
    Operation(
        name="raised", path="/cases", method="POST", needs=Act.WORK, says="Raise a case by hand", body=RAISED
    ),
    *(
        Operation(
            name="act", path=f"/cases/{{id}}/{action}", method="POST", needs=Act.WORK, params=(ID,), body=body,
            says=SAYS[action],
        )
        for action, body in ACTIONS.items()
    ),
)  # fmt: skip
OPERATIONS = (*READING, *WORKING)

KEY = (
    "A key stands for the person who made it, with the rights they have now. It may have been made to read only: then"
    " what changes something is answered with 403. It may have been made for some brands: then cases of others are not"
    " there (404), and searches, counts, trends and digests are of these brands alone."
)
READS = " A key that only reads may, too."

ANSWERS = {
    "200": "As asked",
    "401": "No key, or one that is not known any more",
    "403": "The key's person may not do this, or the key only reads",
    "404": "There is no such thing",
    "409": "Somebody else changed the case first; read it again",
    "422": "It cannot be granted; `error` says why",
    "429": "Too many requests; `Retry-After` says how long to wait",
}


def document(version: str, base: str) -> dict[str, Any]:
    """The whole, as JSON has it."""
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(f"{BASE}{one.path}", {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Listening Post", "version": version},
        "servers": [{"url": base}],
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": KEY}}},
        "paths": paths,
    }


def _operation(one: Operation) -> dict[str, Any]:
    action = one.path.rpartition("/")[2] if one.name == "act" else one.name
    made: dict[str, Any] = {
        "operationId": f"{action}_{one.method.lower()}",
        "summary": one.says,
        "description": f"For people who may {one.needs}.{'' if one.needs in CHANGING else READS}",
        "parameters": [_param(param, one) for param in one.params],
        "responses": {code: {"description": says} for code, says in ANSWERS.items()},
    }
    if one.method == "POST":
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(one.body)}}}
    return made


def _param(param: Param, one: Operation) -> dict[str, Any]:
    where = "path" if f"{{{param.name}}}" in one.path else "query"
    return {"name": param.name, "in": where, "required": param.needed, "description": param.says, "schema": param.of}


def _schema(body: tuple[Param, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {one.name: {**one.of, "description": one.says} for one in body},
        "required": [one.name for one in body if one.needed],
        "additionalProperties": False,
    }
