"""The web desk: everything a card in Slack can do, by the same commands; and what is searched, read and looked over.

access.py   who comes in, as whom, and what each role may do      app.py      the addresses, and what each one needs
entry.py    sign-in: one link on this machine, or Slack           guarding.py headers, limits, the same origin
installing.py the Slack app, put into a workspace
cases.py    my cases, one case, its forms                         forms.py    fields -> commands; refusals -> fields
board.py    the team, the sources, who would be told              live.py     word that something changed (SSE)
searching.py the mention history; feeds.py saved searches go out  pictures.py counts and charts; exporting.py files
digests.py  the digest as a page, and as HTML for a letter        room.py     what every page has at hand
words.py    what a page says in words, text made safe with marks  serving.py  uvicorn on a socket of ours

The pages work without scripts; the one that there is, desk.js, makes them quicker.
"""
