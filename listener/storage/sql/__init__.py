"""What every store that speaks SQL does alike. database.py says what it needs of one; sqlite/ and postgres/ give it.

store.py       which room does what                  lanes.py      threads that hold a connection
database.py    where the stores differ               rows.py       values <-> columns
keeping.py     one page of a source, kept            giving.py     where a mention goes: which case, or none
editing.py     a post that its author changed        erasing.py    a post that must be forgotten
ledger.py      timelines and notices                 listening.py  sources, coverage, what was noted
incidents.py   floods                                matters.py    what a person joins or parts
people.py      who is away; who knows whom           recalling.py  what was done before
rereading.py   what is looked at again               passes.py     what the web desk remembers
drafts.py      forms that were closed                installed.py workspaces of Slack, their tokens sealed
tagging.py     what the text index holds of a post   searching.py  the mention history
planning.py    question -> expression and SQL        narrowing.py  conditions -> tags of the index
ranking.py     which hits say most of it             accounts.py   does it balance?
shelf.py       searches that are kept, and who is told; keys of programs
"""
